import { expect } from 'chai'
import { describeWith } from '../../kit/programs.ts'
import { run } from '../../kit/run.ts'
import type { Running } from '../../kit/serving.ts'
import { serveSite } from '../site.ts'

const large = Buffer.alloc(5_000_000, 'large')

describeWith(['curl', 'nghttp', 'h2load'], 'real clients of HTTP/2', () => {
  for (const tls of ['off', 'implicit'] as const) {
    describe(tls === 'off' ? 'in clear' : 'within TLS', () => {
      let site: Running
      let at: (path: string) => string
      before(async () => {
        const options = { http2: 'prior-knowledge' }
        site = await serveSite({ 'www/a.txt': 'hello\n', 'www/large.bin': large }, { tls, options })
        at = (path) => `${tls === 'off' ? 'http' : 'https'}://127.0.0.1:${site.port}${path}`
      })
      after(() => site.close())

      it('curl', async () => {
        const how = tls === 'off' ? '--http2-prior-knowledge' : '--http2'
        const ended = await run('curl', [
          '-sk',
          how,
          '-o',
          site.folder.at('got'),
          '-w',
          '%{http_version} %{size_download}',
          at('/large.bin'),
        ])
        expect(ended.stdout.toString()).to.equal('2 5000000')
        const posted = await run('curl', [
          '-sk',
          how,
          '-d',
          'x'.repeat(50_000),
          '-o',
          '/dev/null',
          '-w',
          '%{http_code}',
          at('/a.txt'),
        ])
        expect(posted.stdout.toString()).to.equal('405')
      })

      it('nghttp, many at once', async () => {
        const ended = await run('nghttp', ['-ns', '-m', '50', at('/large.bin'), at('/a.txt')])
        expect(ended.stdout.toString().match(/ 200 +\S+ \/(?:large\.bin|a\.txt)$/gm)).to.have.length(100)
      })

      it('h2load, every request answered', async () => {
        const ended = await run('h2load', ['-n', '1000', '-c', '5', '-m', '20', at('/a.txt')])
        expect(ended.stdout.toString()).to.contain('1000 succeeded, 0 failed, 0 errored, 0 timeout')
      })
    })
  }
})
