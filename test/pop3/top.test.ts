import { expect } from 'chai'
import { top } from '../../servers/pop3/top.ts'

/** What TOP gives of a text that comes in these chunks, and how many of them it read. */
const topOf = async (chunks: readonly Buffer[], lines: number): Promise<{ text: string; read: number }> => {
  let read = 0
  async function* source() {
    for (const chunk of chunks) {
      read += 1
      yield chunk
    }
  }
  const parts: Buffer[] = []
  for await (const part of top(source(), lines)) parts.push(part)
  return { text: Buffer.concat(parts).toString('latin1'), read }
}

const header = 'From: a\r\nSubject: b\r\n continued\r\n'
const cases: readonly [name: string, message: string, lines: number, expected: string][] = [
  ['no lines: header and blank line', `${header}\r\none\r\ntwo\r\n`, 0, `${header}\r\n`],
  ['one line', `${header}\r\none\r\ntwo\r\n`, 1, `${header}\r\none\r\n`],
  ['as many lines as there are', `${header}\r\none\r\ntwo\r\n`, 2, `${header}\r\none\r\ntwo\r\n`],
  ['more lines than there are', `${header}\r\none\r\ntwo\r\n`, 1_000_000_000, `${header}\r\none\r\ntwo\r\n`],
  ['blank lines of the body count', `${header}\r\n\r\n\r\nthree\r\n`, 2, `${header}\r\n\r\n\r\n`],
  ['a header alone', header, 3, header],
  ['a header that does not end', 'From: a', 0, 'From: a'],
  ['no header', '\r\none\r\ntwo\r\n', 1, '\r\none\r\n'],
  ['no header, no lines', '\r\none\r\ntwo\r\n', 0, '\r\n'],
  ['a last line without an end', `${header}\r\none`, 1, `${header}\r\none`],
  ['a line of one blank is none', `${header} \r\nmore: x\r\n\r\none\r\n`, 0, `${header} \r\nmore: x\r\n\r\n`],
  ['a line of two CR is none', `${header}\r\r\nx: y\r\n\r\none\r\n`, 0, `${header}\r\r\nx: y\r\n\r\n`],
  ['bare LF', 'From: a\n\none\ntwo\n', 1, 'From: a\n\none\n'],
  ['nothing', '', 5, ''],
  ['dots', `${header}\r\n.\r\n..\r\n`, 1, `${header}\r\n.\r\n`],
]

describe('TOP of a message (RFC 1939 §7)', () => {
  for (const [name, message, lines, expected] of cases) {
    it(`${name}, wherever the chunks are cut`, async () => {
      const octets = Buffer.from(message, 'latin1')
      for (let cut = 0; cut <= octets.length; cut++) {
        const { text } = await topOf([octets.subarray(0, cut), octets.subarray(cut)], lines)
        expect(text, `cut at ${cut}`).to.equal(expected)
      }
      const single = Array.from(octets, (octet) => Buffer.of(octet))
      expect((await topOf(single, lines)).text).to.equal(expected)
    })
  }

  it('reads no further than it must', async () => {
    const body = Array.from({ length: 100 }, (_, line) => Buffer.from(`line ${line}\r\n`))
    expect((await topOf([Buffer.from(`${header}\r\n`), ...body], 3)).read).to.equal(4)
    expect((await topOf([Buffer.from(`${header}\r\n`), ...body], 0)).read).to.equal(1)
  })
})
