/** How messages begin, many at a time. */
import { crc32 } from 'node:zlib'
import { blob, integer, type MailDatabase, type Row } from './database.ts'
import { headStates, type Requests } from './requests.ts'
import { chunkOctets } from './schema.ts'

const headSql = `
  SELECT octets, crc, data FROM message JOIN delivery ON delivery.id = message.delivery
  LEFT JOIN chunk ON chunk.id = delivery.id << 20
  WHERE message.id = ?2 AND mailbox = (SELECT id FROM mailbox WHERE account = ?1)`

type Read = readonly [state: (typeof headStates)[number], octets: Uint8Array]

const nothing = new Uint8Array()

/** The headers of messages; what is gone or damaged says so, in its place. */
export const heads = (database: MailDatabase, { account, ids }: Requests['heads']['ask']): Requests['heads']['answer'] => {
  const read = Array.from(ids, (id) => headOf(database.get(headSql, account, id)))
  const data = new Uint8Array(read.reduce((sum, [, { length }]) => sum + length, 0))
  const ends = new Float64Array(read.length)
  let end = 0
  for (const [place, [, octets]] of read.entries()) {
    data.set(octets, end)
    end += octets.length
    ends[place] = end
  }
  return { data, ends, states: Uint8Array.from(read, ([state]) => headStates.indexOf(state)) }
}

const headOf = (row: Row | undefined): Read => {
  if (row === undefined) return ['missing', nothing]
  const octets = integer(row.octets)
  if (octets === 0) return ['read', nothing]
  if (row.data === null) return ['damaged', nothing]
  const data = blob(row.data)
  if (data.length !== Math.min(octets, chunkOctets) || crc32(data) !== row.crc) return ['damaged', nothing]
  return ['read', data.subarray(0, headerEnd(data))]
}

/** Behind the first empty line; the length where there is none. */
const headerEnd = (data: Uint8Array): number => {
  if (data[0] === 10) return 1
  if (data[0] === 13 && data[1] === 10) return 2
  for (let at = data.indexOf(10); at !== -1; at = data.indexOf(10, at + 1)) {
    if (data[at + 1] === 10) return at + 2
    if (data[at + 1] === 13 && data[at + 2] === 10) return at + 3
  }
  return data.length
}
