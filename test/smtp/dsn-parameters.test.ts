import { expect } from 'chai'
import { readEnvelopeId, readNotify, readOriginalRecipient, readRet } from '../../servers/smtp/dsn-parameters.ts'
import { afterEhlo } from './setup.ts'

describe('SMTP: what DSN parameters may be', () => {
  it('NOTIFY is NEVER, or each occasion at most once (RFC 3461 §4.1)', () => {
    expect(readNotify('NEVER')).to.equal('never')
    expect(readNotify('success')).to.deep.equal(['success'])
    expect(readNotify('DELAY,Failure,SUCCESS')).to.deep.equal(['delay', 'failure', 'success'])
    for (const text of [null, '', ',', 'SUCCESS,', 'NEVER,FAILURE', 'FAILURE,NEVER', 'SUCCESS,SUCCESS', 'ALWAYS', 'toString'])
      expect(readNotify(text), String(text)).to.equal(undefined)
  })

  it('RET is FULL or HDRS (RFC 3461 §4.3)', () => {
    expect(readRet('full')).to.equal('full')
    expect(readRet('HDRS')).to.equal('headers')
    for (const text of [null, '', 'HEADERS', 'FULL,HDRS']) expect(readRet(text), String(text)).to.equal(undefined)
  })

  it('ENVID is xtext of at most 100 characters, and printable when it is decoded (RFC 3461 §4.4)', () => {
    expect(readEnvelopeId('QQ314159')).to.equal('QQ314159')
    expect(readEnvelopeId('a+2Bb+3Dc+20d')).to.equal('a+b=c d')
    expect(readEnvelopeId('x'.repeat(100))).to.have.length(100)
    for (const text of [null, 'x'.repeat(101), '+2b', '+', 'a+0', 'a+GG', '+0D+0ABcc:', '+00', '+7F', '+E4', 'ä'])
      expect(readEnvelopeId(text), String(text)).to.equal(undefined)
  })

  it('ORCPT is a type and xtext, together at most 500 characters (RFC 3461 §4.2)', () => {
    const read = (text: string | null) => readOriginalRecipient(text)?.text
    expect(read('rfc822;bob@example.org')).to.equal('rfc822;bob@example.org')
    expect(read('RFC822;bob+2Btag@example.org')).to.equal('RFC822;bob+tag@example.org')
    expect(read(`rfc822;${'x'.repeat(493)}`)).to.have.length(500)
    for (const text of [
      null,
      'bob@example.org',
      ';x',
      'rfc822;',
      'rfc 822;x',
      'rfc822;a+0D+0Ab',
      'rfc822;ä',
      `rfc822;${'x'.repeat(494)}`,
    ])
      expect(read(text), String(text)).to.equal(undefined)
  })

  it('ORCPT of type utf-8 has characters beyond ASCII in two forms (RFC 6533 §3)', () => {
    const embedded = readOriginalRecipient('utf-8;J\\x{FC}rgen\\x{2B}x@example.org')
    expect(embedded).to.deep.equal({ text: 'utf-8;Jürgen+x@example.org', international: false })
    expect(readOriginalRecipient('UTF-8;jürgen@example.org')).to.deep.equal({
      text: 'UTF-8;jürgen@example.org',
      international: true,
    })
    expect(readOriginalRecipient('utf-8;\\x{1F600}@example.org')?.text).to.equal('utf-8;😀@example.org')
    for (const address of [
      'a+b',
      '\\x{fc}',
      '\\x{FC',
      '\\x{D800}',
      '\\x{110000}',
      '\\x{0D}',
      '\\x{2028}',
      '\\xFC',
      'a\u0085b',
      'a\u2028b',
    ])
      expect(readOriginalRecipient(`utf-8;${address}`), address).to.equal(undefined)
  })
})

describe('SMTP: DSN parameters of MAIL and RCPT', () => {
  afterEhlo(
    'are stored with the message',
    `
      C: MAIL FROM:<a@example.org> RET=hdrs ENVID=QQ+2B1 SMTPUTF8 SIZE=10
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;old+2Balice@example.org
      S: 250 2.1.5 …
      C: RCPT TO:<bob@havre.test> notify=never
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: .
      S: 250 2.0.0 …
    `,
    {
      source: 'RFC 3461 §5.1',
      after: (_running, { kept }) => {
        expect(kept[0]?.envelope).to.deep.equal({
          sender: 'a@example.org',
          dsn: { ret: 'headers', envelopeId: 'QQ+1' },
          utf8: true,
          recipients: [
            {
              address: 'alice@havre.test',
              account: 'alice',
              notify: ['success', 'delay'],
              originalRecipient: 'rfc822;old+alice@example.org',
            },
            { address: 'bob@havre.test', account: 'bob', notify: 'never' },
          ],
        })
      },
    },
  )
  afterEhlo(
    'are refused where they are malformed, there twice or out of place',
    `
      C: MAIL FROM:<a@example.org> RET=ALL
      S: 501 5.5.4 The syntax of the parameter is RET=FULL or RET=HDRS, once
      C: MAIL FROM:<a@example.org> RET=FULL RET=FULL
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.org> ENVID=
      S: 555 5.5.4 …
      C: MAIL FROM:<a@example.org> ENVID
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.org> ENVID=+0D+0A
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.org> ENVID=a ENVID=b
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.org> NOTIFY=NEVER
      S: 555 5.5.4 …
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test> NOTIFY=NEVER,SUCCESS
      S: 501 5.5.4 …
      C: RCPT TO:<alice@havre.test> NOTIFY=FAILURE NOTIFY=FAILURE
      S: 501 5.5.4 …
      C: RCPT TO:<alice@havre.test> ORCPT=alice@havre.test
      S: 501 5.5.4 …
      C: RCPT TO:<alice@havre.test> RET=FULL
      S: 555 5.5.4 …
      C: RCPT TO:<alice@havre.test> ORCPT=utf-8;jürgen@example.org
      S: 553 5.6.7 …
      C: RCPT TO:<alice@havre.test> ORCPT=utf-8;j\\\\x{FC}rgen@example.org
      S: 250 2.1.5 …
    `,
    { source: 'RFC 3461 §5.1' },
  )
})
