import { expect } from 'chai'
import { DotStuffer } from '../../shared/net/dot-stuffing.ts'

const stuff = (...chunks: Buffer[]): string => {
  const stuffer = new DotStuffer()
  const parts = chunks.map((chunk) => stuffer.push(chunk))
  return Buffer.concat([...parts, Buffer.from(stuffer.end())]).toString('latin1')
}

const cases: readonly [text: string, body: string][] = [
  ['', '.\r\n'],
  ['one\r\n', 'one\r\n.\r\n'],
  ['.\r\n', '..\r\n.\r\n'],
  ['..\r\n', '...\r\n.\r\n'],
  ['.one\r\n.\r\n..two\r\n', '..one\r\n..\r\n...two\r\n.\r\n'],
  ['a.b\r\n c.\r\n', 'a.b\r\n c.\r\n.\r\n'],
  ['a\r\n.', 'a\r\n..\r\n.\r\n'],
  ['.', '..\r\n.\r\n'],
  ['no end', 'no end\r\n.\r\n'],
  ['bare\n', 'bare\n\r\n.\r\n'],
  ['cr\r', 'cr\r\r\n.\r\n'],
  ['\r\n', '\r\n.\r\n'],
  ['\n', '\n\r\n.\r\n'],
  // A client that ends lines at LF would take the second line for the end.
  ['bare\n.\r\nrest\r\n', 'bare\n..\r\nrest\r\n.\r\n'],
  ['bare\r.\r\n', 'bare\r.\r\n.\r\n'],
  ['\0.\xff\r\n.\0\r\n', '\0.\xff\r\n..\0\r\n.\r\n'],
]

describe('DotStuffer', () => {
  for (const [text, body] of cases) {
    it(`makes ${JSON.stringify(body)} of ${JSON.stringify(text)}, wherever the chunks are cut`, () => {
      const octets = Buffer.from(text, 'latin1')
      expect(stuff(octets)).to.equal(body)
      for (let cut = 0; cut <= octets.length; cut++) {
        expect(stuff(octets.subarray(0, cut), octets.subarray(cut)), `cut at ${cut}`).to.equal(body)
      }
      expect(stuff(...Array.from(octets, (octet) => Buffer.of(octet)))).to.equal(body)
    })
  }

  it('hands on a chunk without such lines as it is', () => {
    const chunk = Buffer.from('one\r\ntwo.\r\n'.repeat(100))
    expect(new DotStuffer().push(chunk)).to.equal(chunk)
  })

  it('does not change what it was given', () => {
    const chunk = Buffer.from('.\r\n.\r\n')
    new DotStuffer().push(chunk)
    expect(chunk.toString()).to.equal('.\r\n.\r\n')
  })

  it('makes room for a chunk of which every line is a dot', () => {
    expect(stuff(Buffer.from('.\n'.repeat(40_000)))).to.equal(`${'..\n'.repeat(40_000)}\r\n.\r\n`)
  })
})
