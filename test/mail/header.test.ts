import { expect } from 'chai'
import { simpleParser } from 'mailparser'
import { decodeWords, fieldOf, headerFields } from '../../shared/mail/header.ts'

describe('the header of a message', () => {
  const fields = (text: string | Buffer) => headerFields(Buffer.from(text)).map(({ name, value }) => `${name}=${value}`)

  it('is its fields in their order, unfolded, up to the empty line', () => {
    const text = 'From: a\r\nSubject: one\r\n two\r\n\tthree\r\nFROM:b\r\nX-Empty:\r\n\r\nBody: no\r\n'
    expect(fields(text)).to.deep.equal(['From=a', 'Subject=one two\tthree', 'FROM=b', 'X-Empty='])
    expect(fields(text.replaceAll('\r\n', '\n'))).to.deep.equal(['From=a', 'Subject=one two\tthree', 'FROM=b', 'X-Empty='])
  })

  it('may be missing, cut, or none at all', () => {
    for (const text of [
      '',
      '\r\n',
      '\n',
      '\r\nSubject: in the body\r\n',
      '\nSubject: in the body\n',
      '\r',
      'no field\r\n\r\n',
      ': no name\r\n\r\n',
    ])
      expect(fields(text), JSON.stringify(text)).to.deep.equal([])
    expect(fields('Subject: without an end')).to.deep.equal(['Subject=without an end'])
    expect(fields('From x@y Sat Nov 21\r\nSubject : blank before the colon\r\n\r\n')).to.deep.equal([
      'Subject=blank before the colon',
    ])
  })

  it('finds a field whatever its case, the first of several', () => {
    const found = headerFields(Buffer.from('SUBJECT: one\r\nSubject: two\r\n\r\n'))
    expect(fieldOf(found, 'subject')).to.equal('one')
    expect(fieldOf(found, 'date')).to.equal(null)
  })

  it('is UTF-8, or Windows-1252 when it is not', () => {
    expect(fields('Subject: grüße\r\n\r\n')).to.deep.equal(['Subject=grüße'])
    expect(fields(Buffer.from('Subject: gr\xfc\xdfe \x80\r\n\r\n', 'latin1'))).to.deep.equal(['Subject=grüße €'])
  })

  describe('with encoded words', () => {
    const examples: [encoded: string, text: string, source: string][] = [
      ['=?ISO-8859-1?Q?a?=', 'a', 'RFC 2047 §8'],
      ['=?ISO-8859-1?Q?a?= b', 'a b', 'RFC 2047 §8'],
      ['=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=', 'ab', 'RFC 2047 §8'],
      ['=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=', 'ab', 'RFC 2047 §8'],
      ['=?ISO-8859-1?Q?a_b?=', 'a b', 'RFC 2047 §8'],
      ['=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=', 'a b', 'RFC 2047 §8'],
      ['=?utf-8?q?gr=C3=BC=C3=9Fe?=', 'grüße', 'lower case'],
      ['=?UTF-8?B?Z3LDvMOfZQ==?= und =?UTF-8?B?Z3LDvMOfZQ?=', 'grüße und grüße', 'with and without padding'],
      ['=?utf-8?B?w?= =?utf-8?B?7w=?=', '=?', 'nonsense must not throw'],
      ['=?UTF-8?Q?=E2=82?= =?UTF-8?Q?=AC?=', '€', 'cut within a character'],
      ['=?UTF-8*de?Q?gr=C3=BC?=', 'grü', 'RFC 2231 §5'],
      ['=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=', '日本', 'a stateful character set'],
      ['=?KOI8-R?B?8NLJ18XU?=', 'Привет', 'Cyrillic'],
      ['=?gb2312?B?1tDOxA==?=', '中文', 'Chinese'],
      ['=?x-unknown?Q?a=20b?=', '=?x-unknown?Q?a=20b?=', 'an unknown character set'],
      ['=?utf-8?X?abc?=', '=?utf-8?X?abc?=', 'an unknown encoding'],
      ['a =?utf-8?Q?b?', 'a =?utf-8?Q?b?', 'no end'],
      ['1 =?= 2', '1 =?= 2', 'no word'],
    ]
    for (const [encoded, text, source] of examples)
      it(`${JSON.stringify(encoded)} (${source})`, () => {
        const decoded = decodeWords(encoded)
        if (source.startsWith('nonsense')) expect(decoded).to.be.a('string')
        else expect(decoded).to.equal(text)
      })

    it('reads as mailparser reads it', async () => {
      for (const [encoded, text, source] of examples) {
        if (/nonsense|unknown|no end/.test(source)) continue
        const { subject } = await simpleParser(`Subject: ${encoded}\r\n\r\n`)
        expect(subject, encoded).to.equal(text)
      }
    })

    it('takes no longer for many that are not ended', () => {
      const octets = Buffer.from(`Subject: ${'=?utf-8?Q?'.repeat(6000)}${'=?a?b?'.repeat(1000)}\r\n\r\n`)
      expect(headerFields(octets)).to.have.length(1)
    })
  })
})
