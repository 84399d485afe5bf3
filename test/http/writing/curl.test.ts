import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { testAccounts } from '../../kit/fake-desk.ts'
import { describeWith } from '../../kit/programs.ts'
import { run } from '../../kit/run.ts'
import { seeded } from '../../kit/seeded.ts'
import { WritableSite } from './home.ts'

const content = seeded(7).octets(2_500_000)

describeWith(['curl'], 'curl writes', () => {
  let site: WritableSite
  let file: string
  before(async () => {
    site = await WritableSite.serve({ 'files/alice/public_html/index.html': 'hi' })
    file = site.running.folder.at('large.bin')
    await writeFile(file, content)
  })
  after(() => site[Symbol.asyncDispose]())
  /** @returns the status */
  const curl = async (path: string, ...args: string[]): Promise<number> => {
    const url = `http://127.0.0.1:${site.running.port}${path}`
    const login = ['-u', `alice:${testAccounts['alice']}`]
    const { code, stdout, stderr } = await run('curl', ['-sS', ...login, '-o', '/dev/null', '-w', '%{http_code}', ...args, url])
    expect(code, stderr).to.equal(0)
    return Number(stdout)
  }

  it('by -T, also without a length, waiting for 100 Continue or not, and reads it again', async () => {
    expect(await curl('/~alice/large.bin', '-T', file)).to.equal(201)
    expect(await curl('/~alice/large.bin', '-T', file, '-H', 'Transfer-Encoding: chunked')).to.equal(204)
    expect(await curl('/~alice/large.bin', '-T', file, '-H', 'Expect: 100-continue')).to.equal(204)
    const read = site.running.folder.at('read')
    expect(await curl('/~alice/large.bin', '-o', read)).to.equal(200)
    expect((await site.ask('GET', '/~alice/large.bin', { as: null })).body.equals(content)).to.equal(true)
  })

  it('makes and removes', async () => {
    expect(await curl('/~alice/dir/', '-X', 'MKCOL')).to.equal(201)
    expect(await curl('/~alice/dir/a.bin', '-T', file)).to.equal(201)
    expect(await curl('/~alice/dir/', '-X', 'DELETE')).to.equal(409)
    expect(await curl('/~alice/dir/a.bin', '-X', 'DELETE')).to.equal(204)
    expect(await curl('/~alice/dir/', '-X', 'DELETE')).to.equal(204)
  })

  it('hears why it may not, at once, however much it would send', async () => {
    expect(await curl('/~bob/large.bin', '-T', file)).to.equal(403)
    expect(await curl('/~alice/none/large.bin', '-T', file)).to.equal(409)
  })
})
