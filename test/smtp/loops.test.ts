import { expect } from 'chai'
import { ReceivedCount } from '../../servers/smtp/received-count.ts'
import { seeded } from '../kit/seeded.ts'
import { afterRcpt } from './setup.ts'

const count = (message: string, sizes: () => number = () => message.length): number => {
  const counter = new ReceivedCount()
  for (let at = 0; at < message.length; ) {
    const end = at + sizes()
    const chunk = Buffer.from(message.slice(at, end), 'latin1')
    expect(counter.push(chunk)).to.equal(chunk)
    at = end
  }
  expect(counter.end()).to.have.length(0)
  return counter.count
}

describe('SMTP: messages that run in a circle (RFC 5321 §6.3)', () => {
  const passedOn = (times: number) => Array.from({ length: times }, () => 'C: Received: from here').join('\n')
  const source = 'RFC 5321 §6.3'

  afterRcpt('at the limit are taken', `C: DATA\nS: 354 …\n${passedOn(100)}\nC:\nC: .\nS: 250 2.0.0 …`, {
    source,
    played: ['pipelined'],
  })
  afterRcpt(
    'past it are refused at the end, and the session goes on',
    `C: DATA\nS: 354 …\n${passedOn(101)}\nC:\nC: text\nC: .\nS: 554 5.4.6 The message was passed on more than 100 times: …\nC: NOOP\nS: 250 2.0.0 …`,
    {
      source,
      played: ['pipelined'],
      after: ({ journal }, { kept }) => {
        expect(kept).to.have.length(0)
        expect(journal.of('message.refused')).to.have.length(1)
      },
    },
  )
  afterRcpt(
    'are found in chunks too, also where the limit is another',
    `C: BDAT 232\n${passedOn(11)}\nC: x\\c\nS: 554 5.4.6 …\nC: BDAT 0 LAST\nS: 554 5.4.6 …`,
    { source, options: { hops: 10 }, after: (_running, { kept }) => void expect(kept).to.have.length(0) },
  )
  afterRcpt('are none for what their body holds', `C: DATA\nS: 354 …\nC: Subject: x\nC:\n${passedOn(11)}\nC: .\nS: 250 2.0.0 …`, {
    options: { hops: 10 },
  })
  afterRcpt(
    'are told where line breaks are made right',
    `C: DATA\nS: 354 …\nC: ${'Received: a\\n'.repeat(11)}\nC: .\nS: 554 5.4.6 …`,
    {
      options: { hops: 10 },
      settings: { mail: { bareNewlines: 'normalize' } },
    },
  )
})

describe('SMTP: Received lines', () => {
  it('are looked for in the first MiB: a header without an end costs no more than another message', () => {
    const field = `X: ${'x'.repeat(1_019)}\r\n`
    const line = 'Received: a\r\n'
    expect(count(field.repeat(1_023) + line.repeat(10))).to.equal(10)
    expect(count(field.repeat(1_024) + line.repeat(10))).to.equal(0)
    expect(count(field.repeat(1_024) + line.repeat(10), () => 1_000)).to.equal(0)
  })

  for (const [expected, message] of [
    [0, ''],
    [0, 'Received'],
    [1, 'Received:'],
    [1, 'rECEIVED: x\r\n'],
    [1, 'Received \t: x\r\n'],
    [0, ' Received: folded\r\n'],
    [0, 'X-Received: x\r\nReceived-SPF: x\r\nReceive: x\r\nReceivedd: x\r\n'],
    [0, 'Subject: Received:\r\n'],
    [2, 'Received: a\r\n\tb\r\n\tReceived: c\r\nReceived: d\r\n'],
    [1, 'Received: a\r\n\r\nReceived: b\r\n'],
    [0, '\r\nReceived: b\r\n'],
    [0, 'Received\r\n: b\r\n'],
    [1, '\rReceived: a\r\nReceived: b\r\n'],
    [0, 'Received x: b\r\n'],
  ] as const) {
    it(`are ${expected} in ${JSON.stringify(message)}, however it is cut`, () => {
      const random = seeded()
      expect(count(message)).to.equal(expected)
      expect(count(message, () => 1)).to.equal(expected)
      for (let round = 0; round < 20; round++) expect(count(message, () => random.between(1, 6))).to.equal(expected)
    })
  }
})
