/** One line a transfer in the form of wu-ftpd's xferlog(5), which log analysers read. */

/** What is known of a transfer when it is over. */
export interface Transferred {
  readonly endedAtMs: number
  readonly durationMs: number
  /** The client's numeric address. */
  readonly address: string
  /** On the wire. */
  readonly octets: number
  /** As the client sees it. */
  readonly file: string
  readonly type: 'ascii' | 'binary'
  readonly direction: 'upload' | 'download'
  readonly account: string
  /** What a guest gave as e-mail address; null: no guest. */
  readonly guest: string | null
  /** The service's name. */
  readonly service: string
  readonly complete: boolean
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const pad = (value: number, filler = '0'): string => String(value).padStart(2, filler)

/** `Sat Nov 21 10:02:03 2026`, the local time of the server, the day filled with a blank, as ctime(3) writes it. */
const localTime = (ms: number): string => {
  const date = new Date(ms)
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((value) => pad(value)).join(':')
  return `${days[date.getDay()]} ${months[date.getMonth()]} ${pad(date.getDate(), ' ')} ${time} ${date.getFullYear()}`
}

/** Blanks and control characters would be taken for the end of the field. */
const field = (text: string): string => text.replace(/[\0-\x20\x7f\u0080-\u00a0\u2028\u2029]/g, '_')

/** The line, without its line break. */
export const transferLine = (transfer: Transferred): string =>
  [
    localTime(transfer.endedAtMs),
    Math.max(1, Math.round(transfer.durationMs / 1000)),
    transfer.address,
    transfer.octets,
    field(transfer.file),
    transfer.type === 'ascii' ? 'a' : 'b',
    '_',
    transfer.direction === 'upload' ? 'i' : 'o',
    // Anonymous, or a real account; logged in by its password, not by RFC 931.
    transfer.guest === null ? 'r' : 'a',
    field(transfer.guest ?? transfer.account),
    field(transfer.service),
    '0',
    '*',
    transfer.complete ? 'c' : 'i',
  ].join(' ')
