/** The protocols that a service may name: what the loader of the configuration and the supervisor look up. */
import { protocol as exec } from '../exec/options.ts'
import { protocol as ftp } from '../ftp/options.ts'
import { protocol as http } from '../http/options.ts'
import { protocol as pop3 } from '../pop3/options.ts'
import { protocol as smtp } from '../smtp/options.ts'

export const protocols = { http, ftp, smtp, pop3, exec }
