import { expect } from 'chai'
import { attachment } from '../../servers/http/static/disposition.ts'

describe('names of downloads (RFC 6266)', () => {
  const table: readonly [string, string][] = [
    ['report.pdf', 'attachment; filename="report.pdf"'],
    ['with blank.txt', 'attachment; filename="with blank.txt"'],
    ["it's (1).txt", 'attachment; filename="it\'s (1).txt"'],
    ['Grüße.txt', 'attachment; filename="Gr__e.txt"; filename*=UTF-8\'\'Gr%C3%BC%C3%9Fe.txt'],
    ['€ rates.csv', 'attachment; filename="_ rates.csv"; filename*=UTF-8\'\'%E2%82%AC%20rates.csv'],
    ['😀.png', 'attachment; filename="_.png"; filename*=UTF-8\'\'%F0%9F%98%80.png'],
    ['say "hi"; x=y.txt', 'attachment; filename="say _hi_; x=y.txt"; filename*=UTF-8\'\'say%20%22hi%22%3B%20x%3Dy.txt'],
    ['50%41.txt', 'attachment; filename="50_41.txt"; filename*=UTF-8\'\'50%2541.txt'],
    ['a\\b.txt', 'attachment; filename="a_b.txt"; filename*=UTF-8\'\'a%5Cb.txt'],
    ["ü'*()!~.txt", "attachment; filename=\"_'*()!~.txt\"; filename*=UTF-8''%C3%BC%27%2A%28%29!~.txt"],
    ['ü#$&+^`|.txt', 'attachment; filename="_#$&+^`|.txt"; filename*=UTF-8\'\'%C3%BC#$&+^`|.txt'],
  ]
  for (const [name, wanted] of table) it(`${name} → ${wanted}`, () => expect(attachment(name)).to.equal(wanted))

  it('break out of no field', () => {
    for (let code = 0; code < 0x2000; code++) {
      const value = attachment(`a${String.fromCharCode(code)}b`)
      expect(value).to.match(
        /^attachment; filename="[^"\\\r\n]*"(?:; filename\*=UTF-8''(?:%[0-9A-F]{2}|[!#$&+.^_`|~0-9A-Za-z-])+)?$/,
      )
      expect(value).to.match(/^[\x20-\x7e]+$/)
    }
  })
})
