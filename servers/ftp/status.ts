import { endpointText } from '../../shared/net/endpoint.ts'
import type { Connection } from '../../shared/service.ts'
import type { Parameters, State } from './session-state.ts'

/** What STAT tells of a session (RFC 959 §4.1.3). */
export const statusLines = ({ remote, secure }: Connection, state: State, parameters: Parameters): readonly string[] => {
  const { type, structure, restart, protection } = parameters
  return [
    `Connected from ${endpointText(remote)}${secure ? ', over TLS' : ''}`,
    state.state === 'login' ? 'Not logged in' : `Logged in as ${state.account}`,
    ...(secure ? [`Data connections are ${protection === 'private' ? 'encrypted' : 'in clear'}`] : []),
    `TYPE: ${type === 'ascii' ? 'ASCII' : 'Image'}, STRU: ${structure === 'file' ? 'File' : 'Record'}, MODE: Stream`,
    ...(restart > 0 ? [`The next transfer starts at octet ${restart}`] : []),
    state.state === 'transferring' ? `Transfer under way: ${state.running.octets} octets so far` : 'No transfer under way',
  ]
}
