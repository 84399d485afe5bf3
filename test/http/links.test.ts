import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import type { Running } from '../kit/serving.ts'
import { openBelow } from './open-files.ts'
import { ask, get } from './raw.ts'
import { serveSite } from './site.ts'

/** Rounds of all requests while links are swapped; more in a long look: HAVRE_TEST_SWAPS=2000. */
const rounds = Number(process.env['HAVRE_TEST_SWAPS'] ?? 8)

const secret = `OUTSIDE${'o'.repeat(77_770)}`
const tells = /outsider|OUTSIDE|77777|77\.8|75\.9/

/** A folder `way` that leads now to one place and now to another, in a process of its own. */
const swapping = async (place: string, targets: readonly string[]): Promise<AsyncDisposable> => {
  const swapper = spawn(process.execPath, [join(import.meta.dirname, '..', 'kit', 'link-swapper.ts'), place, ...targets], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(swapper.stdout, 'data')
  return {
    [Symbol.asyncDispose]: async () => {
      swapper.stdin.end()
      swapper.kill()
      await once(swapper, 'exit')
    },
  }
}

describe('links that are swapped all the time', function () {
  this.timeout(120_000)
  let site: Running
  before(async () => {
    site = await serveSite({
      'www/real/file': 'mine',
      'www/real/folder/inner.txt': 'mine',
      'www/real/index.html': 'mine',
      'files/alice/public_html/real/file': 'mine',
      'files/alice/public_html/real/folder/inner.txt': 'mine',
      'files/bob/file': secret,
      'files/bob/folder/outsider.txt': secret,
      'files/bob/index.html': secret,
    })
    const outside = join(site.settings.data, 'outside')
    await mkdir(join(outside, 'folder'), { recursive: true })
    for (const name of ['file', 'index.html', 'folder/outsider.txt']) await writeFile(join(outside, name), secret)
  })
  after(() => site.close())

  const paths = ['way/file', 'way/', 'way', 'way/folder/', 'way/folder/outsider.txt', 'way/folder/inner.txt', 'way/../way/file']
  const fields = ['', 'Range: bytes=0-6\r\n', 'Accept: application/json\r\n', 'Accept-Encoding: gzip, br, zstd\r\n']

  /** Asks for all of it, all the time. @returns how often what is inside was had */
  const askAll = async (prefix: string): Promise<number> => {
    let had = 0
    for (let round = 0; round < rounds; round++) {
      const asking = paths.flatMap((path) =>
        fields.map(async (more) => {
          const raw = `GET ${prefix}${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`
          const answers = await ask(site.port, raw.repeat(4))
          for (const { status, body, octets } of answers) {
            // An explanation repeats what was asked.
            expect(octets.toString('latin1').replaceAll(`${prefix}${path}`, ''), `${path} ${more}`).to.not.match(tells)
            expect(status, `${path} ${more}`).to.be.oneOf([200, 206, 301, 308, 403, 404, 503])
            if (body.toString().includes('mine')) had += 1
          }
        }),
      )
      await Promise.all(asking)
    }
    return had
  }

  for (const [name, prefix, place, targets] of [
    ['of the site', '/', ['www', 'way'], ['real', '../files/bob']],
    ['of the site, to what is beside it', '/', ['www', 'way'], ['real', '../outside']],
    ['of an account', '/~alice/', ['files', 'alice', 'public_html', 'way'], ['real', '../../bob']],
  ] as const) {
    it(`lead nobody out ${name}: nothing there is shown, by content, name, length or time`, async () => {
      const way = join(site.settings.data, ...place)
      await symlink(targets[0], way)
      {
        await using _swapping = await swapping(way, targets)
        expect(await askAll(prefix)).to.be.greaterThan(0)
      }
      await rm(way)
      await eventually(() => expect(openBelow(site.settings.data)).to.deep.equal([]))
      expect(site.journal.of('request.failed')).to.deep.equal([])
    })
  }

  it('that lead outside tell by no answer what is there and what is not', async () => {
    const www = join(site.settings.data, 'www')
    const links = {
      'to-file': '../files/bob/file',
      'to-none': '../files/bob/none',
      'to-folder': '../files/bob/folder',
      'to-bob': '../files/bob',
      'to-nobody': '../files/nobody',
      'to-loop': 'to-loop',
    }
    for (const [name, target] of Object.entries(links)) await symlink(target, join(www, name))
    const pairs = [
      ['to-file', 'to-none'],
      ['to-file/', 'to-none/'],
      ['to-file/x', 'to-none/x'],
      ['to-folder', 'to-none'],
      ['to-folder/', 'to-none/'],
      ['to-folder/outsider.txt', 'to-none/outsider.txt'],
      ['to-bob/file', 'to-bob/none'],
      ['to-bob/folder/', 'to-bob/none/'],
      ['to-bob/folder', 'to-bob/none'],
      ['to-bob/file', 'to-nobody/file'],
      ['to-bob/', 'to-nobody/'],
    ] as const
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'MKCOL'])
      for (const [there, missing] of pairs) {
        const toldOf = async (path: string): Promise<string> => {
          const { status, body, fields } = await get(site.port, `/${path}`, { Connection: 'close' }, method)
          const id = fields['x-request-id'] ?? expect.fail('an answer without the name of its request')
          const connection = id.slice(0, id.lastIndexOf('-'))
          return `${status} ${body.toString().replaceAll(path, 'PATH').replaceAll(connection, 'ID')}`
        }
        expect(await toldOf(there), `${method} ${there}`).to.equal(await toldOf(missing))
      }
    expect((await get(site.port, '/to-loop')).status).to.be.oneOf([403, 404])
    for (const name of Object.keys(links)) await rm(join(www, name))
  })
})
