import type { Reply } from '../../servers/smtp/replies.ts'
import * as replies from '../../servers/smtp/replies.ts'

/** What functions of replies are called with: most take numbers, texts, a Boolean. */
const samples: readonly unknown[][] = [[1, 'CR'], [1, 'LF'], ['x', 'x'], [true], [false], ['lmtp'], ['mta']]
const ownSamples: Readonly<Record<string, readonly unknown[][]>> = { help: [[['a', 'b']]], hello: [['x', 'x', ['Y']]] }

const isReply = (value: unknown): value is Reply =>
  typeof value === 'object' && value !== null && 'code' in value && 'detail' in value && 'lines' in value

/** Every reply that there is, by the name of what makes it. */
export const everyReply = (): ReadonlyMap<string, Reply> => {
  const found = new Map<string, Reply>()
  const take = (name: string, value: unknown): void => {
    if (isReply(value)) found.set(name, value)
    else if (typeof value === 'function' && !/^(?:render|inWords|is[A-Z].*)$/.test(name)) {
      for (const [at, args] of (ownSamples[name] ?? samples).entries())
        take(`${name}(${at})`, Reflect.apply(value, undefined, args))
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value)) take(`${name}.${key}`, each)
    }
  }
  for (const [name, value] of Object.entries(replies)) take(name, value)
  return found
}
