import { Readable } from 'node:stream'
import { expect } from 'chai'
import { firstLineOf } from '../../cli/ask-password.ts'
import { PermanentError } from '../../shared/service.ts'

describe('a password from stdin', () => {
  for (const [input, password] of [
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['secret\nsecond line\n', 'secret'],
    ['se\rcret\n', 'se\rcret'],
    [' blanks \n', ' blanks '],
    ['\ufeffmark\n', '\ufeffmark'],
    ['pässwörd\n', 'pässwörd'],
    ['', ''],
    ['\nsecret\n', ''],
  ] as const) {
    it(`is ${JSON.stringify(password)} where stdin holds ${JSON.stringify(input)}, in one piece or octet by octet`, async () => {
      const octets = Buffer.from(input)
      expect(await firstLineOf(Readable.from([octets]))).to.equal(password)
      expect(await firstLineOf(Readable.from([...octets].map((octet) => Buffer.of(octet))))).to.equal(password)
    })
  }

  it('needs no end of stdin after its line', async () => {
    const open = new Readable({ read: () => undefined })
    open.push('secret\n')
    expect(await firstLineOf(open)).to.equal('secret')
  })

  it('is refused when it is far too long or no UTF-8', async () => {
    for (const octets of [Buffer.alloc(5_000, 'x'), Buffer.from([0x70, 0xe4, 0x0a])]) {
      const error = await firstLineOf(Readable.from([octets])).catch((reason: unknown) => reason)
      expect(error).to.be.instanceOf(PermanentError)
    }
  })
})
