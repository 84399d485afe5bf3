import { expect } from 'chai'
import { type Trace, traceLines, transmission } from '../../servers/smtp/trace.ts'

const trace: Trace = {
  sender: 'a@example.org',
  client: { name: 'client.test', extended: true },
  lmtp: false,
  address: '192.0.2.7',
  hostname: 'mail.havre.test',
  tls: null,
  loggedIn: false,
  utf8: false,
  id: 'abc-1-1',
  recipients: ['alice@havre.test'],
  date: new Date('2026-11-21T10:02:03Z'),
}
const facts = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn: null }
/** The transmission types that IANA has on record, as far as they are ours. */
const registered = ['ESMTP', 'ESMTPA', 'ESMTPS', 'ESMTPSA', 'LMTP', 'LMTPA', 'LMTPS', 'LMTPSA', 'UTF8SMTP', 'UTF8SMTPA'].concat([
  'UTF8SMTPS',
  'UTF8SMTPSA',
  'UTF8LMTP',
  'UTF8LMTPA',
  'UTF8LMTPS',
  'UTF8LMTPSA',
])
const lines = (changes: Partial<Trace> = {}) => traceLines({ ...trace, ...changes }).toString()

describe('SMTP: trace lines (RFC 5321 §4.4)', () => {
  it('are Return-Path and Received, folded', () => {
    expect(lines()).to.equal(
      'Return-Path: <a@example.org>\r\n' +
        'Received: from client.test ([192.0.2.7])\r\n' +
        '\tby mail.havre.test with ESMTP id abc-1-1\r\n' +
        '\tfor <alice@havre.test>;\r\n' +
        '\tSat, 21 Nov 2026 10:02:03 +0000\r\n',
    )
  })

  it('name no recipient where there are several', () => {
    expect(lines({ recipients: ['alice@havre.test', 'bob@havre.test'] }))
      .not.to.include('for')
      .and.not.to.include('bob')
  })

  it('tell a client by its address where its name is none', () => {
    const told = lines({ client: { name: 'x) by evil (', extended: true } })
    expect(told).to.include('from [192.0.2.7] ([192.0.2.7])').and.not.to.include('evil')
  })

  it('write IPv6 addresses as literals (§4.1.3)', () => {
    expect(lines({ address: '2001:db8::1' })).to.include('([IPv6:2001:db8::1])')
  })

  it('tell how the message was encrypted on its way', () => {
    expect(lines({ tls: facts })).to.include('with ESMTPS\r\n\t(TLSv1.3 TLS_AES_256_GCM_SHA384) id abc-1-1\r\n')
  })

  it('have the empty sender for bounces', () => {
    expect(lines({ sender: '' })).to.match(/^Return-Path: <>\r\n/)
  })

  for (const spoken of ['ESMTP', 'LMTP', 'UTF8SMTP', 'UTF8LMTP'] as const) {
    for (const tls of [null, facts]) {
      for (const loggedIn of [false, true]) {
        const expected = `${spoken}${tls === null ? '' : 'S'}${loggedIn ? 'A' : ''}`
        it(`say ${expected} (RFC 3848, RFC 6531 §4.3)`, () => {
          const changes = { lmtp: spoken.endsWith('LMTP'), utf8: spoken.startsWith('UTF8'), tls, loggedIn }
          expect(registered).to.include(expected)
          expect(lines(changes)).to.include(` with ${expected}${tls === null ? ' id ' : '\r\n\t('}`)
        })
      }
    }
  }

  it('say SMTP after HELO, whatever else there was', () => {
    for (const tls of [null, facts]) {
      for (const loggedIn of [false, true])
        expect(transmission({ ...trace, client: { name: 'x', extended: false }, tls, loggedIn })).to.equal('SMTP')
    }
  })
})
