import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { protocol } from '../../servers/http/options.ts'
import { sandboxFlags } from '../../servers/supervisor/sandbox.ts'
import { descriptorFolder } from '../../shared/files/anchor.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { patienceMs } from '../kit/patience.ts'
import { testSettings } from '../kit/settings.ts'

const execute = promisify(execFile)
const project = join(import.meta.dirname, '..', '..')

/** What runs inside the sandbox: the service under its host, asked over loopback; each line says what came. */
const script = (folder: string) => `
import { Host } from ${JSON.stringify(join(project, 'servers/host/host.ts'))}
import { service } from ${JSON.stringify(join(project, 'servers/http/service.ts'))}
import { get, request } from 'node:http'
const log = { write: (level, event, fields) => { if (level === 'error') console.log(event, fields.error) }, with: () => log, keeps: () => true }
const options = ${JSON.stringify(protocol.options.parse({}))}
const server = service.create({ service: 'http', options, tls: 'off', settings: { data: ${JSON.stringify(`${folder}/data`)} }, journal: { log, lines: () => ({ write() {} }) }, log, version: '0' })
await server.start()
const host = new Host(server, { connections: 10, connectionsPerAddress: 10, connectionsPerSecond: null, idleMs: 5000 }, log)
const port = await host.listen({ host: '127.0.0.1', port: 0 })
for (const path of ['/a.txt', '/', '/large', '/text.txt', '/out', '/~alice/', '/~mallory/', '/none']) {
  await new Promise((resolve) => get({ port, path, agent: false, headers: { 'Accept-Encoding': path === '/text.txt' ? 'br' : 'identity' } }, (answer) => {
    let octets = 0
    answer.on('data', (chunk) => { octets += chunk.length })
    answer.on('end', () => { console.log(path, answer.statusCode, answer.headers['content-encoding'] ?? (answer.statusCode === 200 && path !== '/' ? octets : '')); resolve() })
  }))
}
await host.end('stop', 1000)
`

describe('HTTP under the permission model', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  it('serves with the grants that it asks for, and not beyond', async () => {
    await execute(
      'sh',
      [
        '-c',
        'mkdir -p data/www data/files/alice/public_html data/files/mallory && echo hello >data/www/a.txt && head -c 300000 /dev/zero >data/www/large && cp data/www/large data/www/text.txt && echo secret >secret && ln -s ../../secret data/www/out && ln -s ../../.. data/files/mallory/public_html && echo alice >data/files/alice/public_html/index.html',
      ],
      { cwd: folder.path },
    )
    const file = folder.at('script.mjs')
    writeFileSync(file, script(folder.path))
    const settings = testSettings(folder.path)
    const grants = protocol.grants(protocol.options.parse({}), settings)
    expect(grants.write).to.deep.equal([])
    expect(grants.read).to.include(descriptorFolder)
    const { stdout } = await execute(process.execPath, [...sandboxFlags(grants, settings), file], { timeout: patienceMs })
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).to.deep.equal([
      '/a.txt 200 6',
      '/ 200',
      '/large 200 300000',
      '/text.txt 200 br',
      '/out 403',
      '/~alice/ 200 6',
      '/~mallory/ 403',
      '/none 404',
    ])
  })
})
