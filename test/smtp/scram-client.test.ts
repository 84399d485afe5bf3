import { chmod, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { testAccounts } from '../kit/fake-desk.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { serveSmtp } from './setup.ts'

const password = testAccounts['alice'] ?? ''

describeWith(['msmtp'], 'SMTP: msmtp by SCRAM-SHA-256', () => {
  const send = async (secret: string) => {
    await using running = await serveSmtp()
    const path = running.folder.at('msmtprc')
    const lines = [
      ...['account default', 'host 127.0.0.1', `port ${running.port}`, 'tls off', 'auth scram-sha-256', 'user alice'],
      ...[`password ${secret}`, 'from me@example.org', 'timeout 20'],
    ]
    await writeFile(path, `${lines.join('\n')}\n`)
    await chmod(path, 0o600)
    const { code } = await run('msmtp', ['-C', path, 'bob@havre.test'], { input: 'Subject: hello\n\nby SCRAM\n' })
    return { code, logins: running.journal.of('smtp.login.accepted').map(({ fields }) => fields['method']) }
  }

  it('shows that it knows the password, trusts the server, and sends', async () => {
    expect(await send(password)).to.deep.equal({ code: 0, logins: ['SCRAM-SHA-256'] })
  })

  it('with a wrong password does not get in', async () => {
    expect(await send('wrong')).to.deep.equal({ code: 77, logins: [] })
  })
})
