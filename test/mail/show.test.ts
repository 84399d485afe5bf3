import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { type Saved, safeName, savingInto } from '../../cli/mail/saving.ts'
import { bounds } from '../../shared/mail/bounded-parser.ts'
import { type MessageParts, readParts } from '../../shared/mail/message-parts.ts'
import { plainText } from '../../shared/mail/plain-text.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { fuzzRounds, seeded } from '../kit/seeded.ts'
import { corpus } from './corpus/corpus.ts'

async function* chunks(...texts: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text)
}

const partsOf = (...texts: (string | Buffer)[]): Promise<MessageParts> => readParts(chunks(...texts))

const attached = (...parts: readonly [header: string, body: string][]): string =>
  `Content-Type: multipart/mixed; boundary=x\r\n\r\n${parts.map(([header, body]) => `--x\r\n${header}\r\n\r\n${body}\r\n`).join('')}--x--\r\n`

describe('a message that is looked into', () => {
  it('never fails, whatever became of it', async function () {
    this.timeout(120_000)
    const random = seeded()
    for (let round = 0; round < fuzzRounds(300); round += 1) {
      const { name, octets } = random.pick(corpus)
      const message = random.mutate(octets.length > 100_000 ? octets.subarray(0, 100_000) : octets)
      const { attachments, text } = await readParts(chunks(message.subarray(0, 1000), message.subarray(1000)))
      expect(attachments, `seed ${random.seed}, round ${round}, of "${name}"`).to.be.an('array')
      expect(text === null || typeof text === 'string').to.equal(true)
    }
  })

  it('is cut where it has more text than anybody reads, and what is attached behind it is told', async () => {
    const line = `${'words '.repeat(12)}\r\n`
    const { text, attachments, incomplete } = await partsOf(
      'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n',
      ...Array.from({ length: 200 }, () => line.repeat(600)),
      '--x\r\nContent-Type: image/png; name=a.png\r\n\r\n12345\r\n--x--\r\n',
    )
    expect(incomplete).to.equal('text-cut')
    expect(text?.length).to.be.within(bounds.textOctets / 2, bounds.textOctets)
    expect(attachments).to.deep.equal([{ filename: 'a.png', contentType: 'image/png', octets: 5 }])
  })

  const bombs: [what: string, incomplete: MessageParts['incomplete'], message: () => string][] = [
    [
      '2,000 multiparts deep',
      'structure',
      () => Array.from({ length: 2000 }, (_, at) => `Content-Type: multipart/mixed; boundary=x${at}\r\n\r\n--x${at}\r\n`).join(''),
    ],
    [
      'of 5,000 parts',
      'structure',
      () => `Content-Type: multipart/mixed; boundary=x\r\n\r\n${'--x\r\nContent-Type: image/png\r\n\r\n\r\n'.repeat(5000)}`,
    ],
    ['with a header of 1 MB', 'structure', () => `${`X-Y: ${'y'.repeat(900)}\r\n`.repeat(1100)}\r\nx\r\n`],
    [
      'with headers of 9 MB together',
      'structure',
      () =>
        attached(...Array.from({ length: 50 }, (): [string, string] => [`X-Y: ${'y'.repeat(900)}\r\n`.repeat(200).trim(), 'x'])),
    ],
    ['of HTML 50,000 elements deep', 'html', () => `Content-Type: text/html\r\n\r\n${'<div>'.repeat(50_000)}bottom &amp; end\r\n`],
    ['of 3 MB HTML', 'html', () => `Content-Type: text/html\r\n\r\n${'<p>some &lt;words&gt;</p>\r\n'.repeat(130_000)}`],
  ]
  for (const [what, incomplete, message] of bombs)
    it(`says what it is, ${what}`, async function () {
      this.timeout(120_000)
      const parts = await partsOf(message())
      expect(parts.incomplete).to.equal(incomplete)
      if (incomplete === 'html') expect(parts.text).to.match(/bottom & end|some <words>/)
    })

  it('has the text of HTML without its markup where nothing better can be had', () => {
    expect(
      plainText(
        '<head><title>t</title></head><p>a&nbsp;b<br>c</p><script>x<p>y</script><!-- <p> -->d &#x41;&#66;&bogus; <STYLE>z</STYLE>e',
      ),
    ).to.equal('a b\nc\nd AB&bogus; e')
    expect(plainText('a<script>b')).to.equal('a')
    expect(plainText('a<!-- b')).to.equal('a')
    expect(plainText('<'.repeat(100_000))).to.equal('')
  })
})

describe('attachments as files', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  const names: [filename: string | null, contentType: string, name: string][] = [
    ['report.pdf', 'application/pdf', 'report.pdf'],
    ['Grüße (1).txt', 'text/plain', 'Grüße (1).txt'],
    [null, 'image/png', 'attachment.png'],
    [null, 'message/rfc822', 'attachment.eml'],
    ['', 'x/y', 'attachment.bin'],
    ['../../etc/passwd', 'x/y', 'passwd'],
    ['C:\\Windows\\evil.exe', 'x/y', 'evil.exe'],
    ['..', 'x/y', 'attachment.bin'],
    ['...', 'x/y', 'attachment.bin'],
    ['/', 'x/y', 'attachment.bin'],
    ['.bashrc', 'x/y', 'bashrc'],
    ['name. ', 'x/y', 'name'],
    ['a\0b\nc\u001b[31m\u009b.txt', 'x/y', 'a_b_c_[31m_.txt'],
    ['gpj\u202e.exe', 'x/y', 'gpj_.exe'],
    ['con', 'x/y', '_con'],
    ['LPT1.txt', 'x/y', '_LPT1.txt'],
    ['file.txt:stream', 'x/y', 'file.txt_stream'],
    ['a\ud800b', 'x/y', 'a_b'],
    [`${'ü'.repeat(300)}.jpeg`, 'x/y', `${'ü'.repeat(97)}.jpeg`],
    [`${'x'.repeat(300)}`, 'x/y', 'x'.repeat(200)],
  ]
  for (const [filename, contentType, name] of names)
    it(`are called ${JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name)} for ${JSON.stringify(filename?.slice(0, 40) ?? null)}`, () => {
      expect(safeName({ filename, contentType })).to.equal(name)
    })

  it('have names that lead nowhere, whatever the sender called them', () => {
    const random = seeded()
    for (let round = 0; round < 2000; round += 1) {
      const filename = random
        .mutate(Buffer.from(random.pick(['../a.txt', 'aux.c', 'a b', '\u202e..\\', 'x'.repeat(400)])))
        .toString()
      const name = safeName({ filename, contentType: 'x/y' })
      expect(name, JSON.stringify(filename)).to.match(/^[^./\\:\u0000-\u001f\u007f-\u009f][^/\\:\u0000-\u001f\u007f-\u009f]*$/)
      expect(Buffer.byteLength(name)).to.be.within(1, 200)
    }
  })

  const save = async (message: string): Promise<readonly Saved[]> => {
    const { saved, save } = await savingInto(folder.at('files'))
    await readParts(chunks(message), save)
    return saved
  }

  it('are what was sent; two of one name get numbers', async () => {
    const pdf = 'Content-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64'
    const saved = await save(
      attached(
        ['Content-Type: text/plain', 'text'],
        [pdf, 'AAEC'],
        [pdf, 'AwQ='],
        ['Content-Type: image/png; name=in.png\r\nContent-Disposition: inline\r\nContent-ID: <1>', 'png'],
        ['Content-Type: message/rfc822', 'Subject: within\r\n\r\nx'],
      ),
    )
    expect(saved.map(({ path, octets }) => [path.slice(folder.at('files').length + 1), octets])).to.deep.equal([
      ['a.pdf', 3],
      ['a-2.pdf', 2],
      ['in.png', 3],
      ['attachment.eml', 20],
    ])
    expect(await readFile(folder.at('files', 'a-2.pdf'))).to.deep.equal(Buffer.from([3, 4]))
    expect(await readFile(folder.at('files', 'attachment.eml'), 'utf8')).to.equal('Subject: within\r\n\r\nx')
  })

  it('overwrite nothing and follow no link', async () => {
    await mkdir(folder.at('files'))
    await writeFile(folder.at('files', 'a.txt'), 'there')
    await symlink(folder.at('elsewhere'), folder.at('files', 'a-2.txt'))
    await save(attached(['Content-Type: x/y; name=a.txt', 'new']))
    expect((await readdir(folder.at('files'))).sort()).to.deep.equal(['a-2.txt', 'a-3.txt', 'a.txt'])
    expect(await readFile(folder.at('files', 'a.txt'), 'utf8')).to.equal('there')
    expect(await readFile(folder.at('files', 'a-3.txt'), 'utf8')).to.equal('new')
    expect(await readdir(folder.path)).to.deep.equal(['files'])
  })

  it('are not there by half: what cannot be written ends it', async () => {
    await writeFile(folder.at('file'), '')
    let code: unknown
    try {
      await savingInto(folder.at('file'))
    } catch (error) {
      code = error instanceof Error && 'code' in error ? error.code : error
    }
    expect(code).to.equal('EEXIST')
  })
})
