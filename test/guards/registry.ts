/** All guards that `npm run test:guards` takes out. A part adds its own to its file; names are unique. */
import { guards as accounts } from './accounts.ts'
import { guards as config } from './config.ts'
import { guards as exec } from './exec.ts'
import { guards as files } from './files.ts'
import { guards as ftp } from './ftp.ts'
import type { Guard } from './guard.ts'
import { guards as host } from './host.ts'
import { guards as http } from './http.ts'
import { guards as httpH2 } from './http-h2.ts'
import { guards as httpHurt } from './http-hurt.ts'
import { guards as httpProxy } from './http-proxy.ts'
import { guards as httpReplay } from './http-replay.ts'
import { guards as httpRouting } from './http-routing.ts'
import { guards as httpWriting } from './http-writing.ts'
import { guards as journal } from './journal.ts'
import { guards as keeping } from './keeping.ts'
import { guards as mail } from './mail.ts'
import { guards as mailCommand } from './mail-command.ts'
import { guards as pop3 } from './pop3.ts'
import { guards as smtp } from './smtp.ts'
import { guards as smtpMail } from './smtp-mail.ts'
import { guards as supervisor } from './supervisor.ts'

export const guards: readonly Guard[] = [
  ...config,
  ...accounts,
  ...files,
  ...mail,
  ...keeping,
  ...mailCommand,
  ...journal,
  ...host,
  ...http,
  ...httpWriting,
  ...httpHurt,
  ...httpH2,
  ...httpProxy,
  ...httpReplay,
  ...httpRouting,
  ...ftp,
  ...smtp,
  ...smtpMail,
  ...pop3,
  ...exec,
  ...supervisor,
]
