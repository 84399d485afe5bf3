import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { serveSite } from './site.ts'

const page = seeded(5).text(10_000)

describe('programs that make load', function () {
  this.timeout(120_000)
  let site: Running
  before(async () => {
    site = await serveSite({ 'www/index.html': page, 'www/large.bin': Buffer.alloc(1_000_000) })
  })
  after(() => site.close())
  const at = (path: string): string => `http://127.0.0.1:${site.port}${path}`
  const finished = (): number => site.journal.of('request.finished').length

  const succeeds = async (program: string, args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(program, args, { deadlineMs: 60_000 })
    expect(code, `${program} ${args.join(' ')}\n${stderr}`).to.equal(0)
    return stdout.toString()
  }

  describeWith(['ab'], 'ab', () => {
    const manners: Readonly<Record<string, readonly string[]>> = {
      'a connection for each request': [],
      'kept connections, which it asks for as HTTP/1.0 does': ['-k'],
      HEAD: ['-k', '-i'],
    }
    for (const [name, more] of Object.entries(manners)) {
      it(`has all its answers, whole and of one length, over ${name}`, async () => {
        const before = finished()
        const told = await succeeds('ab', ['-q', '-n', '600', '-c', '20', ...more, at('/')])
        expect(told).to.match(/Complete requests:\s+600\n/)
        expect(told).to.match(/Failed requests:\s+0\n/)
        expect(told).to.not.contain('Non-2xx')
        if (more.includes('-k')) expect(told).to.match(/Keep-Alive requests:\s+600\n/)
        if (name !== 'HEAD') expect(told).to.match(/HTML transferred:\s+6000000 bytes\n/)
        // Each has its record.
        await eventually(() => expect(finished() - before).to.equal(600))
      })
    }
  })

  describeWith(['wrk'], 'wrk', () => {
    it('meets no error, on many connections, small files and large ones', async () => {
      for (const path of ['/', '/large.bin']) {
        const told = await succeeds('wrk', ['-t1', '-c40', '-d2s', '--timeout', '30s', at(path)])
        expect(told, told).to.match(/\b[1-9]\d* requests in/)
        expect(told, told).to.not.match(/Socket errors|Non-2xx/)
      }
    })

    it('goes away in the middle, and nothing of it stays', async () => {
      await succeeds('wrk', ['-t1', '-c40', '-d1s', at('/large.bin')])
      await eventually(() => expect(site.open).to.equal(0))
      expect(site.journal.of('request.failed')).to.deep.equal([])
    })
  })
})
