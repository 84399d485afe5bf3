import { expect } from 'chai'
import { commands } from '../../servers/smtp/commands.ts'
import * as replies from '../../servers/smtp/replies.ts'
import { Client } from '../kit/client.ts'
import { everyReply } from './every-reply.ts'
import { afterEhlo, serveSmtp, smtpDialogue } from './setup.ts'

/**
 * The registry of enhanced status codes (RFC 5248; IANA, "SMTP Enhanced Status Codes"): subject and detail with the basic codes that it
 * associates them with; `any`: it names none, or says "not given". Those that this server may say, and their neighbours.
 */
const registry: Readonly<Record<string, readonly number[] | 'any'>> = {
  '0.0': 'any',
  '1.0': 'any',
  '1.1': [451, 550],
  '1.2': 'any',
  '1.3': [501],
  '1.4': 'any',
  '1.5': [250],
  '1.6': 'any',
  '1.7': [501],
  '1.8': [451, 501],
  '1.10': [556],
  '2.0': 'any',
  '2.1': 'any',
  '2.2': [552],
  '2.3': [552],
  '2.4': [450, 452],
  '3.0': [221, 250, 421, 451, 550, 554],
  '3.1': [452],
  '3.2': [453, 521],
  '3.3': 'any',
  '3.4': [552, 554],
  '3.5': 'any',
  '4.0': 'any',
  '4.1': [451],
  '4.2': [421],
  '4.6': 'any',
  '5.0': [220, 250, 251, 252, 253, 451, 452, 454, 458, 459, 501, 502, 503, 554],
  '5.1': [430, 500, 501, 503, 530, 550, 554, 555],
  '5.2': [500, 501, 502, 550, 555],
  '5.3': [451],
  '5.4': [451, 501, 502, 503, 504, 550, 555],
  '5.5': 'any',
  '5.6': [500],
  '6.0': 'any',
  '6.7': [553, 550],
  '7.0': [220, 235, 450, 454, 500, 501, 503, 504, 530, 535, 550],
  '7.1': [451, 454, 502, 503, 533, 550, 551],
  '7.8': [535, 554],
  '7.9': [534],
  '7.10': [523],
  '7.11': [524, 538],
  '7.14': [535, 554],
}

/** Where the code that fits is not associated with the basic code that another standard asks for. */
const beside: Readonly<Record<string, string>> = {
  '452 2.2': 'RFC 3463 §3.3 has it as a persistent transient error too; 452 is RFC 5321 §4.2.3’s for no room',
  '452 5.3': 'RFC 5321 §4.5.3.1.10 asks for 452 where there are too many recipients',
  '421 3.2': 'RFC 5321 §3.8 asks for 421 where the connection is closed',
  '421 5.4': 'the same',
  '421 7.0': 'the same',
  '454 7.0': 'RFC 4954 §6 asks for it',
  '502 5.1': 'RFC 5321 §4.2.4 asks for 502 where a command is known and not offered',
}

describe('SMTP: enhanced status codes (RFC 2034, RFC 5248)', () => {
  it('of every reply are in the registry, and fit the basic code', () => {
    const found = everyReply()
    expect(found.size).to.be.at.least(60)
    const wrong: string[] = []
    for (const [name, { code, detail }] of found) {
      if (detail === null) continue
      const basic = Object.hasOwn(registry, detail) ? registry[detail] : undefined
      const fits = basic === 'any' || basic?.includes(code) || Object.hasOwn(beside, `${code} ${detail}`)
      if (!fits) wrong.push(`${name}: ${code} x.${detail}`)
    }
    expect(wrong).to.deep.equal([])
  })

  it('stand beside 2xx, 4xx and 5xx only, and are missing from the beginning and from what asks to go on (RFC 2034 §3, §4)', () => {
    for (const [name, { code, detail }] of everyReply()) {
      const mayMiss = /^(?:greeting|spokeEarly|hello|badHello|startMessage|challenge)\(?/.test(name)
      if (detail === null) expect(mayMiss, name).to.equal(true)
      else expect([2, 4, 5], name).to.include(Math.floor(code / 100))
    }
  })

  it('have the class of the basic code, on each line of the reply', () => {
    expect(replies.render({ code: 452, detail: '2.2', lines: ['a', 'b'] })).to.equal('452-4.2.2 a\r\n452 4.2.2 b\r\n')
    for (const [name, reply] of everyReply()) {
      for (const line of replies.render(reply).split('\r\n').slice(0, -1)) {
        expect(line, name).to.match(/^[2-5]\d\d[ -]/)
        if (reply.detail !== null) expect(line.slice(4), name).to.match(new RegExp(`^${line[0]}\\.\\d\\.\\d+ `))
      }
    }
  })

  it('are in every reply to every command, wherever it comes, but to HELO and EHLO', async () => {
    const hello = 'EHLO client.test'
    const begun = [hello, 'MAIL FROM:<a@example.org>', 'RCPT TO:<alice@havre.test>']
    const words = commands.map(({ name }) => name).filter((name) => !['HELO', 'EHLO'].includes(name))
    const others = ['BDAT 0 LAST', 'MAIL FROM:<a@example.org> X=1', 'RCPT TO:<x@havre.test>', 'NONSENSE', 'x\0']
    await using running = await serveSmtp()
    for (const before of [[], [hello], begun.slice(0, 2), begun, [...begun, 'BDAT 0'], [...begun, 'BDAT 0 FIRST']]) {
      for (const word of [...words, ...others]) {
        using client = await Client.connect(running.port)
        await client.reply()
        for (const line of before) {
          await client.send(`${line}\r\n`)
          await client.reply()
        }
        await client.send(`${word}\r\n`)
        for (const line of await client.reply()) {
          if (!/^3(?:34|54) /.test(line)) expect(line, [...before, word].join(', ')).to.match(/^([245])\d\d[ -]\1\.\d\.\d+ /)
        }
      }
    }
  })
})

describe('SMTP: addresses and headers beyond ASCII (RFC 6531)', () => {
  smtpDialogue(
    'are offered with 8BITMIME only, of which they make use (§3.1)',
    'C: EHLO client.test\nS: 250-localhost …\nS: 250-PIPELINING\nS: 250-SIZE 50000000\nS: 250-8BITMIME\nS: 250-SMTPUTF8\nS* 250-…\nS: 250 HELP',
  )
  afterEhlo(
    'are kept, with the parameter, with BODY and without it (§3.4, §3.6)',
    `
      C: MAIL FROM:<jürgen@bücher.example> BODY=8BITMIME SMTPUTF8
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: Subject: Grüße
      C:
      C: ß
      C: .
      S: 250 2.0.0 …
      C: MAIL FROM:<jürgen@bücher.example> SMTPUTF8
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: BDAT 18 LAST
      C: Subject: Grüße
      S: 250 2.0.0 …
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: BDAT 0 LAST
      S: 250 2.0.0 …
    `,
    {
      after: (_running, { kept }) => {
        expect(kept.map(({ envelope }) => envelope.utf8)).to.deep.equal([true, true, undefined])
        const [first] = kept
        expect(first?.envelope.sender).to.equal('jürgen@bücher.example')
        expect(first?.body.toString()).to.equal('Subject: Grüße\r\n\r\nß\r\n')
        expect(Buffer.from(first?.trace ?? '', 'latin1').toString()).to.match(
          /^Return-Path: <jürgen@bücher\.example>\r\n.* with UTF8SMTP id /s,
        )
      },
    },
  )
  afterEhlo(
    'are no matter for VRFY and HELP, whose answers are plain (§3.7.4)',
    'C: VRFY jürgen@havre.test\nS: 252 2.0.0 …\nC: VRFY jürgen SMTPUTF8\nS: 252 2.0.0 …\nC: HELP jürgen\nS: 504 5.5.4 …\nC: NOOP jürgen\nS: 250 2.0.0 …',
  )
})
