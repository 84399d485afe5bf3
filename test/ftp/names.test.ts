import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { type NameEncoding, nameCodec } from '../../servers/ftp/name-encoding.ts'
import { seeded } from '../kit/seeded.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

const encodings: readonly NameEncoding[] = ['utf-8', 'latin-1', 'gbk']
const characters = [...'aZ09 ."\\~üÿßÄÃ¼©€ž一伪中文联通件名ひгаж😀𠀀\u0080']
const octets = (...values: readonly number[]): Buffer => Buffer.from(values)

describe('ftp: how names are written', () => {
  it('in UTF-8, a byte order mark being part of the name, and what is none is refused (RFC 2640 §2.2)', () => {
    const { decode } = nameCodec('utf-8')
    expect(decode(Buffer.from('\ufeffü'))).to.equal('\ufeffü')
    for (const wrong of [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80]]) expect(decode(octets(...wrong))).to.equal(undefined)
  })

  for (const encoding of encodings) {
    it(`reads what it wrote, every character alone and many together: ${encoding}`, () => {
      const { decode, encode } = nameCodec(encoding)
      for (let point = 1; point <= 0x2_ffff; point += 1) {
        if (point >= 0xd800 && point <= 0xdfff) continue
        const character = String.fromCodePoint(point)
        if (decode(encode(character)) !== character) expect.fail(`U+${point.toString(16)} comes back as another one`)
      }
      const random = seeded()
      for (let n = 0; n < 2_000; n += 1) {
        const name = Array.from({ length: random.between(1, 12) }, () => random.pick(characters)).join('')
        expect(decode(encode(name)), JSON.stringify(name)).to.equal(name)
      }
    })
  }

  it('in Latin-1 has the octets of Windows-1252, and UTF-8 where it has none, or others would read UTF-8', () => {
    const { decode, encode } = nameCodec('latin-1')
    expect(encode('Grüße 5€')).to.deep.equal(Buffer.from('Gr\xfc\xdfe 5\x80', 'latin1'))
    expect(decode(Buffer.from('Gr\xfc\xdfe 5\x80', 'latin1'))).to.equal('Grüße 5€')
    expect(decode(Buffer.from('Grüße'))).to.equal('Grüße')
    expect(encode('中ü')).to.deep.equal(Buffer.from('中ü'))
    expect(encode('Ã¼')).to.deep.equal(Buffer.from('Ã¼'))
    // A line each.
    expect(encode('ü\r\n中\r\nß\r\n')).to.deep.equal(
      Buffer.concat([Buffer.from('\xfc\r\n', 'latin1'), Buffer.from('中\r\n'), Buffer.from('\xdf\r\n', 'latin1')]),
    )
  })

  it('in GBK is read as GBK also where it could be UTF-8, and has four octets where GBK has none', () => {
    const { decode, encode } = nameCodec('gbk')
    // 一 is D2 BB, which is a letter of Komi in UTF-8; 伪 is CE B1, an alpha.
    for (const [name, written] of [
      ['一', octets(0xd2, 0xbb)],
      ['伪', octets(0xce, 0xb1)],
      ['扫描.pdf', Buffer.concat([octets(0xc9, 0xa8, 0xc3, 0xe8), Buffer.from('.pdf')])],
      ['😀', octets(0x94, 0x39, 0xfc, 0x36)],
    ] as const) {
      expect(encode(name)).to.deep.equal(written)
      expect(decode(written)).to.equal(name)
    }
    // 中 alone in UTF-8 is three octets, and no GBK.
    expect(decode(Buffer.from('中'))).to.equal('中')
    expect(decode(octets(0xff))).to.equal(undefined)
  })
})

describe('ftp: names of clients that know no UTF-8', () => {
  const names = { 'latin-1': ['Grüße', 'ÿ', 'naïve "x"'], gbk: ['扫描', '一', '伪 件'] } as const

  for (const encoding of ['latin-1', 'gbk'] as const) {
    const { encode } = nameCodec(encoding)
    /** As the client sends it: 255 doubled (RFC 854). */
    const sent = (line: string) => Buffer.from(`${encode(line).toString('latin1').replaceAll('\xff', '\xff\xff')}\r\n`, 'latin1')
    const ask = async (session: RawSession, line: string): Promise<Buffer> => {
      await session.control.send(sent(line))
      return session.control.lineOctets()
    }

    it(`come and go in their encoding, in every reply and list: ${encoding}`, async () => {
      await using running = await serveFtp({ options: { names: encoding } })
      using session = await RawSession.open(running)
      const there = () => readdir(join(running.settings.data, 'files', 'alice'))
      for (const name of names[encoding]) {
        const shown = name.replaceAll('"', '""')
        expect(await ask(session, `MKD ${name}`)).to.deep.equal(sent(`257 "/${shown}" made`).subarray(0, -2))
        expect(await there()).to.deep.equal([name])
        expect((await ask(session, `CWD ${name}`)).toString()).to.match(/^250 /)
        expect(await ask(session, 'PWD')).to.deep.equal(sent(`257 "/${shown}" is the current folder`).subarray(0, -2))
        const data = await session.passive()
        expect((await ask(session, `STOR ${name}`)).toString('latin1')).to.match(/^150 /)
        await data.send('content')
        data.end()
        expect(await session.reply()).to.match(/^226 /)
        expect(await session.download('NLST')).to.deep.equal(encode(`${name}\r\n`))
        expect((await session.download('LIST')).includes(encode(` ${name}\r\n`))).to.equal(true)
        expect((await ask(session, `SIZE ${name}`)).toString()).to.equal('213 7')
        expect((await ask(session, `DELE ${name}`)).toString()).to.match(/^250 /)
        expect((await ask(session, 'CDUP')).toString()).to.match(/^250 /)
        expect((await ask(session, `RMD ${name}`)).toString()).to.match(/^250 /)
      }
    })

    it(`are UTF-8 from OPTS UTF8 ON to OPTS UTF8 OFF, and as before behind REIN: ${encoding}`, async () => {
      await using running = await serveFtp({ options: { names: encoding } })
      await mkdir(new Home(running).path('ü一'))
      using session = await RawSession.open(running)
      const list = () => session.download('NLST')
      expect(await list()).to.deep.equal(encode('ü一\r\n'))
      expect(await session.ask('OPTS UTF8 ON')).to.equal('200 Names are UTF-8')
      expect(await list()).to.deep.equal(Buffer.from('ü一\r\n'))
      await session.control.send(Buffer.from('CWD \xfc\r\n', 'latin1'))
      expect(await session.reply()).to.equal('501 Names are UTF-8; syntax: CWD path')
      expect(await session.ask('OPTS UTF8 OFF')).to.equal(`200 Names are ${nameCodec(encoding).title}`)
      expect(await list()).to.deep.equal(encode('ü一\r\n'))
      await session.ask('OPTS UTF8 ON')
      // Windows says it before it logs in: USER leaves it.
      await session.ask('USER alice')
      await session.ask('PASS wonder land:1')
      expect(await list()).to.deep.equal(Buffer.from('ü一\r\n'))
      await session.ask('REIN')
      await session.ask('USER alice')
      await session.ask('PASS wonder land:1')
      expect(await list()).to.deep.equal(encode('ü一\r\n'))
    })
  }

  it('are of UTF-8 or Latin-1 alike where the setting is Latin-1', async () => {
    await using running = await serveFtp({ options: { names: 'latin-1' } })
    using session = await RawSession.open(running)
    const ask = async (line: string): Promise<string> => {
      await session.control.send(Buffer.from(`${line}\r\n`, 'latin1'))
      return (await session.control.lineOctets()).toString('latin1')
    }
    expect(await ask('MKD \xfc')).to.equal('257 "/\xfc" made')
    expect(await ask('MKD \xc3\xbc')).to.equal('550 The name is taken')
    expect(await ask('RMD \xc3\xbc')).to.equal('250 Removed')
    expect(await ask('MKD \xe4\xb8\xad')).to.equal('257 "/\xe4\xb8\xad" made')
    expect(await new Home(running).names()).to.deep.equal(['中'])
  })
})
