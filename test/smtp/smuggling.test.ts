import { expect } from 'chai'
import { FakeStore } from './fake-store.ts'
import { afterRcpt, inData, serveSmtp } from './setup.ts'

describe('SMTP: smuggling', () => {
  const second = 'MAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@havre.test>\r\nDATA\r\nSubject: smuggled\r\n'
  for (const sequence of [
    '\n.\n',
    '\r\n.\n',
    '\n.\r\n',
    '\r.\r',
    '\r.\r\n',
    '\r\n.\r',
    '\n.\r',
    '\r.\n',
    '\n\n.\r\n',
    '\r\n\x00.\r\n',
    '\r\n.\x00\r\n',
    '\r\n.\r\r\n',
    '\r\r\n.\r\r\n',
    '\n\r.\n\r',
    '\r\n. \r\n',
    '\r\n\u2028.\r\n',
    '\r\n\x85.\r\n',
  ]) {
    const strict = !/(?<!\r)\n|\r(?!\n)/.test(sequence)
    for (const mode of ['reject', 'normalize'] as const) {
      it(`${JSON.stringify(sequence)} ends no message (${mode})`, async () => {
        const store = new FakeStore()
        await using running = await serveSmtp({ store, settings: { mail: { bareNewlines: mode } } })
        using client = await inData(running)
        await client.send(Buffer.from(`Subject: first\r\n\r\nhello${sequence}${second}\r\n.\r\nNOOP\r\n`, 'latin1'))
        // One reply to one message, then the one to NOOP: in sync, whatever was in between.
        expect(await client.line()).to.match(mode === 'normalize' || strict ? /^250 2\.0\.0 Message/ : /^554 5\.6\.0 Line \d+ has /)
        expect(await client.line()).to.equal('250 2.0.0 OK')
        expect(store.of('bob')).to.have.length(0)
        expect(store.kept).to.have.length(mode === 'normalize' || strict ? 1 : 0)
        for (const { body } of store.kept) expect(/(?<!\r)\n|\r(?!\n)/.test(body.toString('latin1'))).to.equal(false)
        expect(store.unended).to.equal(0)
      })
    }
  }

  afterRcpt(
    'a message with bare line breaks is made whole where the setting says so',
    'C: DATA\nS: 354 …\nC: one\\ntwo\\rthree\\r\\r\\nfour\\n..five\nC: .\nS: 250 2.0.0 …',
    {
      settings: { mail: { bareNewlines: 'normalize' } },
      after: (_running, { kept }) => {
        expect(kept[0]?.body.toString()).to.equal('one\r\ntwo\r\nthree\r\nfour\r\n.five\r\n')
      },
    },
  )
  afterRcpt(
    'a refused message tells where it is wrong and how it would be taken',
    'C: DATA\nS: 354 …\nC: one\nC: two\\nthree\nC: .\nS: 554 5.6.0 Line 2 has LF without CR; …\nC: MAIL FROM:<a@example.org>\nS: 250 2.1.0 …',
    {
      after: ({ journal }) => {
        expect(journal.of('message.refused')[0]?.fields).to.include({ sender: 'sender@example.org', octets: 16 })
      },
    },
  )
})
