import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import { SmallDisk } from '../../kit/small-disk.ts'
import { undisturbed } from '../../kit/undisturbed.ts'
import { said } from '../raw.ts'
import { loginOf, WritableSite } from './home.ts'

const tree = { 'files/alice/public_html/a.txt': 'old' }

/** PUT in chunks: nobody knows beforehand how much it is. */
const chunked = (name: string, content: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(
      `PUT /~alice/${name} HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice')}\r\nTransfer-Encoding: chunked\r\n\r\n${content.length.toString(16)}\r\n`,
    ),
    content,
    Buffer.from('\r\n0\r\n\r\n'),
  ])

describe('PUT on a full disk', () => {
  it('is 507, before it comes or in the middle, the old file stays, and there is service again once there is room', async function () {
    const disk = new SmallDisk()
    await using site = await WritableSite.serve(tree, { prepare: disk.prepare })
    // Before the folder that it is in is removed.
    using _unmounted = disk
    if (disk.folder === null) this.skip() // needs root
    const { port } = site.running
    const unchanged = async (names: readonly string[]) => {
      await eventually(async () => expect(await site.names()).to.deep.equal(names))
      expect(await site.text('a.txt')).to.equal('old')
    }
    const large = Buffer.alloc(3_000_000, 'x')
    for (const name of ['a.txt', 'new']) {
      expect(await site.status('PUT', `/~alice/${name}`, { content: large }), name).to.equal(507)
      await unchanged(['a.txt'])
      expect((await said(port, chunked(name, large))).toString(), name).to.match(/^HTTP\/1\.1 507 /)
      await unchanged(['a.txt'])
    }
    // To the last block.
    expect(await site.status('PUT', '/~alice/most', { content: Buffer.alloc(1_500_000) })).to.equal(201)
    let filled = 0
    while ((await site.status('PUT', `/~alice/f${filled}`, { content: Buffer.alloc(60_000) })) === 201) filled += 1
    expect(filled).to.be.within(1, 10)
    const names = await site.names()
    for (const name of ['a.txt', 'new'])
      expect(await site.status('PUT', `/~alice/${name}`, { content: Buffer.alloc(60_000) }), name).to.equal(507)
    await unchanged(names)
    const reasons = site.running.journal.of('web.file.not-stored').map(({ fields }) => fields['reason'])
    expect(new Set(reasons)).to.deep.equal(new Set(['full']))
    expect(site.running.journal.records.filter(({ level }) => level === 'error')).to.deep.equal([])
    expect((await site.ask('GET', '/~alice/most', { as: null })).body).to.have.length(1_500_000)
    expect(await site.status('DELETE', '/~alice/most')).to.equal(204)
    expect(await site.status('PUT', '/~alice/a.txt', { content: Buffer.alloc(500_000, 'y') })).to.equal(204)
    expect(await site.text('a.txt')).to.equal('y'.repeat(500_000))
  })
})

describe('PUT and the bandwidth of an account', () => {
  const limited = (octets: number) => ({ settings: { files: { bandwidth: { uploadOctets: octets, downloadOctets: 1_000 } } } })
  const tookMs = (site: WritableSite) => Number(site.running.journal.of('web.file.stored').at(-1)?.fields['durationMs'])

  it('takes its time, with a length and in chunks, all uploads of the account together; not what anybody reads', async () => {
    await using site = await WritableSite.serve(tree, limited(400_000))
    const content = Buffer.alloc(400_000, 'x')
    expect(await site.status('PUT', '/~alice/a.txt', { content })).to.equal(204)
    expect(tookMs(site)).to.be.at.least(800)
    expect((await said(site.running.port, chunked('b', content))).toString()).to.match(/^HTTP\/1\.1 201 /)
    expect(tookMs(site)).to.be.at.least(800)
    await Promise.all(
      ['c', 'd'].map(async (name) =>
        expect(await site.status('PUT', `/~alice/${name}`, { content: content.subarray(0, 200_000) })).to.equal(201),
      ),
    )
    expect(tookMs(site)).to.be.at.least(800)
    // More than six minutes, were it one of the account's downloads.
    expect((await site.ask('GET', '/~alice/a.txt', { as: null })).body).to.have.length(400_000)
  }).timeout(60_000)

  it('is no slowness of the client’s: the deadline does not count what it waits', () =>
    undisturbed(400, async () => {
      const timeouts = { headers: '1500ms', request: '1500ms' }
      await using site = await WritableSite.serve(tree, { ...limited(20_000), options: { timeouts } })
      expect(await site.status('PUT', '/~alice/a.txt', { content: Buffer.alloc(60_000, 'x') })).to.equal(204)
      expect(tookMs(site)).to.be.above(1_500)
    }))
})
