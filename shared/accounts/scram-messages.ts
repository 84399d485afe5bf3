/** What a client says in SCRAM (RFC 5802 §7), read strictly. */

/** The first message: who it is, and its nonce. */
export interface ClientFirst {
  /** GS2 header as it came: `n,,`, `y,,`, `n,a=alice,`. It comes again in the last message, in base64. */
  readonly header: string
  /** `n`: the client knows no channel binding, `y`: it does and believes that we do not, `p`: it binds. */
  readonly binding: 'n' | 'y' | 'p'
  /** Whom it wants to act for; empty: itself. */
  readonly authorization: string
  readonly name: string
  readonly nonce: string
  /** The message without its header. */
  readonly bare: string
}

/** The last message. */
export interface ClientFinal {
  /** GS2 header, and channel binding data where there are any. */
  readonly binding: string
  readonly nonce: string
  /** All of it but the proof. */
  readonly withoutProof: string
  /** In base64. */
  readonly proof: string
}

// saslname: what is no comma and no `=` but in `=2C` and `=3D`. Attributes to come may follow (`extensions`), a mandatory one (`m=`)
// may not: none is known. A nonce is printable ASCII without commas.
const saslName = '(?:[^,=\\u0000]|=2C|=3D)+'
const extensions = '(?:,[A-Za-z]=[^,\\u0000]+)*'
const nonce = '[\\u0021-\\u002b\\u002d-\\u007e]+'
const first = new RegExp(
  `^(?<header>(?<flag>n|y|p=[A-Za-z0-9.-]+),(?:a=(?<authorization>${saslName}))?,)` +
    `(?<bare>n=(?<name>${saslName}),r=(?<nonce>${nonce})${extensions})$`,
  'u',
)
const base64 = '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?'
const final = new RegExp(`^(?<said>c=(?<binding>${base64}),r=(?<nonce>${nonce})${extensions}),p=(?<proof>${base64})$`, 'u')

const plainName = (name: string): string => name.replaceAll('=2C', ',').replaceAll('=3D', '=')

/** client-first-message. @returns null where it is none */
export const readClientFirst = (text: string): ClientFirst | null => {
  const { header, flag, authorization = '', bare, name, nonce } = first.exec(text)?.groups ?? {}
  if (header === undefined || flag === undefined || bare === undefined || name === undefined || nonce === undefined) return null
  const binding = flag === 'n' || flag === 'y' ? flag : 'p'
  return { header, binding, authorization: plainName(authorization), name: plainName(name), nonce, bare }
}

/** client-final-message. @returns null where it is none */
export const readClientFinal = (text: string): ClientFinal | null => {
  const { said, binding, nonce, proof } = final.exec(text)?.groups ?? {}
  if (said === undefined || binding === undefined || nonce === undefined || proof === undefined) return null
  return { binding: Buffer.from(binding, 'base64').toString('latin1'), nonce, withoutProof: said, proof }
}
