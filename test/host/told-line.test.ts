import { expect } from 'chai'
import { toldLine } from '../../servers/host/told-line.ts'
import type { Telling } from '../../shared/log/transcript.ts'

const told = (text: string | Buffer, telling: Telling, nearLogin = false) =>
  toldLine({ kind: 'line', octets: Buffer.from(text as string) }, telling, nearLogin)

describe('the host: how a line is told', () => {
  const cases: readonly (readonly [string, Telling, string, boolean?])[] = [
    ['MAIL FROM:<a@b>', 'whole', 'MAIL FROM:<a@b>'],
    ['QUIT', 'name', 'QUIT'],
    ['QUIT ', 'name', 'QUIT '],
    ['QUIT now', 'name', 'QUIT ********'],
    ['LIST', 'numbers', 'LIST'],
    ['TOP 1 10', 'numbers', 'TOP 1 10'],
    ['TOP 1  10 ', 'numbers', 'TOP 1  10 '],
    ['LIST 1234567', 'numbers', 'LIST ********'],
    ['LIST 1a', 'numbers', 'LIST ********'],
    ['BDAT 52428800 LAST', 'chunk', 'BDAT 52428800 LAST'],
    ['bdat 0 last ', 'chunk', 'bdat 0 last '],
    ['BDAT', 'chunk', 'BDAT'],
    ['BDAT 1234567890', 'chunk', 'BDAT ********'],
    ['BDAT 86 secret', 'chunk', 'BDAT ********'],
    ['LIST 1 2 3', 'numbers', 'LIST ********'],
    ['user alice', 'account', 'user alice'],
    ['USER alice secret', 'account', 'USER ********'],
    ['PASS secret word', 'credentials', 'PASS ********'],
    ['pass ', 'credentials', 'pass ********'],
    ['AUTH', 'credentials', 'AUTH'],
    ['AUTH PLAIN', 'credentials', 'AUTH PLAIN'],
    ['auth login aGk=', 'credentials', 'auth login ********'],
    ['AUTH aGk=', 'credentials', 'AUTH ********'],
    ['PASS PLAIN', 'credentials', 'PASS ********'],
    ['aGk=', 'secret', '********'],
    ['*', 'secret', '*'],
    ['', 'unknown', ''],
    ['FROB', 'unknown', 'FROB'],
    ['FROB secret', 'unknown', 'FROB …'],
    ['FROB', 'unknown', '… (no command)', true],
    ['EHLO', 'unknown', 'EHLO', true],
    ['ehlo me', 'unknown', 'ehlo …'],
    ['hunter2', 'unknown', '… (no command)'],
    ['hunter', 'unknown', '… (no command)'],
    ['PASSWORT', 'unknown', '… (no command)'],
    [' PASS x', 'unknown', '… (no command)'],
    ['GET /?password=x HTTP/1.1', 'unknown', 'GET … (a request of HTTP)'],
    ['\u0016\u0003\u0001secret', 'unknown', '… (TLS where it was not asked for)'],
    ['a\u0000b', 'unknown', '… (octets that are no text)'],
  ]
  for (const [line, telling, text, nearLogin] of cases) {
    it(`${JSON.stringify(line)} as ${telling}${nearLogin ? ' near a login' : ''}`, () => {
      expect(told(line, telling, nearLogin)).to.deep.equal({ text })
    })
  }

  it('octets that are no UTF-8 as what they are', () => {
    expect(told(Buffer.from([0x43, 0x20, 0xff, 0xc3]), 'whole')).to.deep.equal({ text: 'C \\xff\\xc3' })
    expect(told(Buffer.from([0xc3, 0x28]), 'unknown')).to.deep.equal({ text: '… (octets that are no text)' })
  })

  it('long ones cut, with their length, and of what is not told only where no password is so long', () => {
    expect(told('x'.repeat(1_024), 'whole')).to.deep.equal({ text: 'x'.repeat(1_024) })
    expect(told('x'.repeat(1_025), 'whole')).to.deep.equal({ text: `${'x'.repeat(1_024)}…`, octets: 1_025 })
    expect(told('x'.repeat(255), 'unknown')).to.deep.equal({ text: '… (no command)' })
    expect(told('x'.repeat(256), 'unknown')).to.deep.equal({ text: '… (no command)', octets: 256 })
    expect(told(`PASS ${'x'.repeat(2_000)}`, 'credentials')).to.deep.equal({ text: 'PASS ********' })
    const tooLong = { kind: 'too-long', length: 5_000 } as const
    expect(toldLine(tooLong, 'unknown', false)).to.deep.equal({ text: '… (too long)', octets: 5_000 })
    expect(toldLine(tooLong, 'secret', false)).to.deep.equal({ text: '********' })
  })
})
