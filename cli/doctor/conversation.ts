import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, isIP, type Socket } from 'node:net'
import { getCACertificates, type TLSSocket, connect as tlsConnect } from 'node:tls'
import { Proxies } from '../../servers/host/proxies.ts'
import type { ConfiguredService, Settings } from '../../shared/config/settings.ts'
import { escapeControls } from '../../shared/log/render.ts'
import { endpointText, localOf } from '../../shared/net/endpoint.ts'
import { holdProbe, type Probe } from '../../shared/net/probe.ts'
import { localHeader } from '../../shared/net/proxy-header.ts'
import { localFiles } from '../../shared/tls/local-certificate.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient, placeOf, statusOf } from './check.ts'

/** A client would have given up by then. */
const answerMs = 5_000

/** How a conversation is encrypted. */
type Way = 'in clear' | 'over TLS' | 'over STARTTLS'

const waysOf = ({ tls, startTlsProbe }: ConfiguredService): readonly Way[] => {
  if (tls === 'implicit') return ['over TLS']
  return tls === 'starttls' && startTlsProbe !== null ? ['in clear', 'over STARTTLS'] : ['in clear']
}

/** A conversation that did not go as it must. The message is for people. */
class ConversationError extends Error {
  override readonly name = 'ConversationError'
}

/** Where a client of this machine reaches a socket that listens on all addresses. */
const reached = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)

const hold = async (stream: Socket, probe: Probe, signal: AbortSignal): Promise<void> => {
  const outcome = await holdProbe(stream, probe, signal)
  if (outcome.outcome === 'well') return
  const { step, heard } = outcome
  const asked = step.say[0] === undefined ? 'a client that waits for the greeting' : `"${step.say[0]}"`
  if (heard !== null) throw new ConversationError(`${asked} is answered with "${escapeControls(heard.slice(0, 200))}"`)
  throw new ConversationError(
    `${asked} gets no answer${signal.aborted ? ` within ${answerMs / 1_000} s` : ': the connection ends'}`,
  )
}

const opened = async (socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> => {
  try {
    await once(socket, event, { signal })
  } catch (error) {
    const what = event === 'connect' ? 'a connection' : 'the TLS handshake'
    if (signal.aborted) throw new ConversationError(`${what} is not taken within ${answerMs / 1_000} s`, { cause: error })
    const code = codeOf(error)
    throw new ConversationError(`${what} fails (${code || (error instanceof Error ? error.message : String(error))})`, {
      cause: error,
    })
  }
}

/** Whom clients of this service trust: the local authority, or those that this system trusts. */
const authorities = async ({ tls, data }: Settings): Promise<string[]> => {
  if (tls.certificate !== 'auto') return [...getCACertificates('default'), ...getCACertificates('system')]
  try {
    return [await readFile(localFiles(data).authority.certificate, 'utf8')]
  } catch (error) {
    if (codeOf(error) === '') throw error
    return []
  }
}

/** What a client would object to in the certificate, or null. */
const objection = (socket: TLSSocket): string | null => {
  if (socket.authorized) return null
  // An Error in some cases, its code in others, whatever the types say.
  const error: unknown = socket.authorizationError
  return codeOf(error) || String(error)
}

/** These hold whomever a client trusts. */
const isWrongForAll = (code: string): boolean =>
  ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'ERR_TLS_CERT_ALTNAME_INVALID'].includes(code)

interface Held {
  readonly durationMs: number
  /** See `objection`. */
  readonly objection: string | null
}

/** Holds one conversation as a client does. @throws {ConversationError} */
const converse = async (patient: Patient, service: ConfiguredService, probe: Probe, way: Way, ca: string[]): Promise<Held> => {
  const { host, port } = placeOf(patient, service)
  const { hostname } = patient.configuration.settings
  const signal = AbortSignal.timeout(answerMs)
  const from = performance.now()
  const socket = connect({ host: reached(host), port })
  const sockets: Socket[] = [socket]
  // What goes wrong shows in the conversation; the socket's own word of it would end the program.
  socket.on('error', () => undefined)
  try {
    await opened(socket, 'connect', signal)
    const { proxyProtocol } = service
    if (proxyProtocol !== null && new Proxies(proxyProtocol.from, answerMs).has(localOf(socket))) socket.write(localHeader)
    if (way === 'in clear') {
      await hold(socket, probe, signal)
      return { durationMs: performance.now() - from, objection: null }
    }
    if (way === 'over STARTTLS') await hold(socket, service.startTlsProbe ?? [], signal)
    const secure = tlsConnect({
      socket,
      ca,
      rejectUnauthorized: false,
      ...(isIP(hostname) === 0 ? { servername: hostname } : { host: hostname }),
    })
    sockets.push(secure)
    secure.on('error', () => undefined)
    await opened(secure, 'secureConnect', signal)
    const after = way === 'over TLS' ? probe : probe.filter(({ say }) => say.length > 0)
    await hold(secure, after, signal)
    return { durationMs: performance.now() - from, objection: objection(secure) }
  } finally {
    for (const each of sockets) each.destroy()
  }
}

const ofHeld = (name: string, where: string, { durationMs, objection }: Held, auto: boolean): Finding => {
  const took = `in ${durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs)} ms`
  if (objection === null) return ok(`${name}: a client is served ${where} ${took}`, name)
  const message = `${name}: a client is served ${where} ${took}, but its certificate is not trusted (${objection})`
  if (isWrongForAll(objection)) return found('problem', message, 'See the findings of "certificates"', name)
  if (auto)
    return found(
      'problem',
      message,
      'The certificate is not of the authority in data/tls: `havre reload` takes over the files as they are',
      name,
    )
  return found(
    'warning',
    message,
    'Clients refuse it unless they know its authority: put the whole chain into the certificate’s file',
    name,
  )
}

/** A program of somebody else speaks a protocol that is not ours to know: its port answers, or not. */
const connectable: Probe = []

const ofWay = async (patient: Patient, service: ConfiguredService, way: Way, ca: string[]): Promise<Finding> => {
  const { name, probe } = service
  const where = `${way === 'in clear' ? '' : `${way} `}on ${endpointText({ address: placeOf(patient, service).host, port: placeOf(patient, service).port })}`
  try {
    const held = await converse(patient, service, probe ?? connectable, way, ca)
    return ofHeld(name, where, held, patient.configuration.settings.tls.certificate === 'auto')
  } catch (error) {
    if (!(error instanceof ConversationError)) throw error
    const remedy = `\`havre logs --service ${name}\` tells more; \`havre restart ${name}\` replaces its process`
    return found('problem', `${name}: a client is not served ${where}: ${error.message}`, remedy, name)
  }
}

const look = async (patient: Patient): Promise<Finding[]> => {
  const { seen, services, configuration } = patient
  if (seen.kind !== 'running') return []
  const ca = await authorities(configuration.settings)
  // One that is not there is a finding of others already.
  const there = services.filter(({ name }) => ['ready', 'starting'].includes(statusOf(patient, name)?.state ?? ''))
  const findings: Finding[] = []
  // One after the other: beside others each would seem slower than it is.
  for (const service of there) {
    for (const way of waysOf(service)) {
      const finding = await ofWay(patient, service, way, ca)
      findings.push(finding)
      if (finding.severity === 'problem') break
    }
  }
  return findings
}

/** Whether each service serves a client that connects to it, in its own protocol, and over TLS where it has that. */
export const conversation: Check = { name: 'conversation', ofServices: true, look }
