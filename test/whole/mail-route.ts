/** How mail programs reach a service. */
import type { Family } from '../kit/family.ts'
import type { Ended } from '../kit/run.ts'

export interface Login {
  readonly user: string
  readonly password: string
}

/** The way from a program to a service, and who goes it. */
export interface Route {
  readonly host: string
  readonly port: number
  readonly tls: 'off' | 'starttls' | 'implicit'
  /** The certificate of the authority to trust: a file. */
  readonly ca: string
  readonly login: Login | null
  /** SASL's name of the way to log in; the program's own choice unless given. */
  readonly method?: 'PLAIN' | 'LOGIN'
  /** The envelope's sender. */
  readonly from: string
}

/** The route to a service of a family. Certificates bear names, so those who look at them come by name. */
export const routeTo = (family: Family, service: string, way: Partial<Route> = {}): Route => ({
  host: (way.tls ?? 'off') === 'off' ? family.host : 'localhost',
  port: family.port(service),
  tls: 'off',
  ca: family.folder.at('data', 'tls', 'authority.pem'),
  login: null,
  from: 'sender@example.org',
  ...way,
})

/** @throws with all it said when it failed */
export const succeeded = (ended: Ended): Ended => {
  if (ended.code !== 0) throw new Error(`it ended with ${ended.code ?? ended.signal}:\n${ended.stdout}\n${ended.stderr}`)
  return ended
}
