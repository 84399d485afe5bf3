import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { toldLines } from '../kit/conversation.ts'
import { type Said, secretForms, secretPlaces } from '../kit/secret-places.ts'
import { fuzzRounds, runSeed, type Seeded, seeded } from '../kit/seeded.ts'
import { type Running, serve } from '../kit/serving.ts'

const services = ['smtp', 'pop3', 'ftp'] as const
type Service = (typeof services)[number]

/** How each protocol begins TLS in a conversation. */
const beginTls: Readonly<Record<Service, readonly string[]>> = {
  smtp: ['EHLO client.test', 'STARTTLS'],
  pop3: ['STLS'],
  ftp: ['AUTH TLS'],
}

/** Alphabets that people's and programs' passwords are of; all small letters look most like a word of a protocol. */
const alphabets = [
  'abcdefghijklmnopqrstuvwxyz',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  '0123456789',
  'abcXYZ!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  'abcdefgh  ',
  'äöüßéλ日本abc',
]

/** Not to be found by chance, with nothing at its ends that a protocol takes away. */
const secretFrom = (random: Seeded): string => {
  const alphabet = random.pick(alphabets)
  return `${random.text(1, alphabet.trim())}${random.text(random.between(8, 14), alphabet)}${random.text(1, alphabet.trim())}`
}

const withBreak = (line: Said): Buffer => Buffer.concat([Buffer.from(line as string), Buffer.from('\r\n')])

/** Says the lines, cut into packets somehow, and hears whatever there is to hear. */
const say = async (running: Running, service: Service, lines: readonly Said[], random: Seeded, tls: boolean): Promise<void> => {
  using client = await Client.connect(running.port)
  await client.reply()
  if (tls) {
    for (const line of beginTls[service]) {
      await client.command(line)
      await client.reply()
    }
    await client.startTls()
  }
  const octets = Buffer.concat(lines.map(withBreak))
  const manner = random.pick(['line by line', 'pipelined', 'cut anywhere'] as const)
  if (manner === 'pipelined') await client.send(octets)
  else if (manner === 'line by line') {
    for (const line of lines) {
      if (client.ended) break
      const heard = new Promise<void>((resolve) => {
        for (const event of ['data', 'end', 'close']) client.socket.once(event, () => resolve())
        // In the middle of a message nothing is answered.
        setTimeout(resolve, 30)
      })
      await client.send(withBreak(line))
      await heard
    }
  } else {
    for (let at = 0; at < octets.length && !client.ended; ) {
      const end = Math.min(octets.length, at + random.between(1, Math.max(1, octets.length >> 3)))
      await client.send(octets.subarray(at, end))
      await new Promise((resolve) => setImmediate(resolve))
      at = end
    }
  }
  client.end()
  await client.rest()
}

describe('the host: secrets in conversations', function () {
  this.timeout(120_000)
  for (const service of services) {
    it(`of ${service} are in no record at level debug, in whatever place they are said and however packets are cut`, async () => {
      const random = seeded(runSeed() + services.indexOf(service))
      await using running = await serve({ service, tls: 'starttls' })
      for (let round = fuzzRounds(3, 1); round > 0; round--) {
        for (const place of secretPlaces('alice', 'x')[service].keys()) {
          const secret = secretFrom(random)
          const lines = secretPlaces('alice', secret)[service][place] ?? []
          const before = running.journal.records.length
          await say(running, service, lines, random, random.chance(0.3))
          const records = running.journal.records.slice(before)
          const found = records.filter((record) => {
            const text = JSON.stringify(record)
            return secretForms('alice', secret).some((form) => text.includes(form) || JSON.stringify(record.fields).includes(form))
          })
          expect(found, `seed ${random.seed}, ${JSON.stringify(lines)}`).to.deep.equal([])
          // It has looked: the conversation was taken down.
          expect(
            records.some(({ event }) => event === 'conversation.client'),
            JSON.stringify(lines),
          ).to.equal(true)
        }
      }
      expect(running.journal.text()).to.include('********')
    })
  }

  const nearLogin: Readonly<Record<Service, readonly string[]>> = {
    smtp: ['EHLO client.test', 'AUTH CRAM-MD5', 'SESAME', 'SESAME'],
    pop3: ['USER alice', 'SESAME', 'SESAME'],
    ftp: ['USER alice', 'SESAME', 'SESAME'],
  }
  for (const service of services) {
    it(`of ${service} that look like the name of a command are not told near a login, and others are`, async () => {
      await using running = await serve({ service })
      using client = await Client.connect(running.port)
      await client.reply()
      for (const line of ['FROB', ...nearLogin[service], 'QUIT']) {
        await client.command(line)
        await client.reply()
      }
      await client.closed()
      const told = toldLines(running)
      expect(told[0]).to.equal('FROB')
      expect(told.filter((text) => text === '… (no command)')).to.have.length(2)
      expect(running.journal.text()).to.not.include('SESAME')
    })
  }
})
