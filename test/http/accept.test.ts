import { expect } from 'chai'
import { preferred } from '../../servers/http/accept.ts'
import { isCompressible, mediaTypeOf } from '../../servers/http/static/media-types.ts'

describe('Accept (RFC 9110 §12.5.1)', () => {
  const offers = ['text/plain', 'text/html', 'application/json'] as const
  const table: readonly [string | undefined, string][] = [
    [undefined, 'text/plain'],
    ['*/*', 'text/plain'],
    ['', 'text/plain'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
    ['application/json', 'application/json'],
    ['application/json, */*', 'text/plain'],
    ['application/json, */*;q=0.1', 'application/json'],
    ['Application/JSON; Q=1.0', 'application/json'],
    ['text/*', 'text/plain'],
    ['text/*, text/plain;q=0', 'text/html'],
    ['text/plain;q=0.2, text/html;q=0.7', 'text/html'],
    ['text/plain;q=0.7, text/html;q=0.700', 'text/plain'],
    ['image/png', 'text/plain'],
    ['text/html;level=1;q=0.4, application/json;q=0.5', 'application/json'],
    ['nonsense, text/html', 'text/html'],
    ['text/html;q=2', 'text/html'],
    ['*/*;q=0', 'text/plain'],
  ]
  for (const [accept, wanted] of table) {
    it(`${JSON.stringify(accept)} → ${wanted}`, () => {
      expect(preferred(accept, offers)).to.equal(wanted)
    })
  }

  it('is read in linear time', () => {
    const startedAt = process.cpuUsage()
    preferred(`${'text/html;'.repeat(3_000)}q=`, offers)
    preferred(`a/b;${' '.repeat(30_000)}x`, offers)
    preferred('a/b,'.repeat(8_000), offers)
    expect(process.cpuUsage(startedAt).user).to.be.lessThan(1_000_000)
  })
})

describe('media types', () => {
  const table: readonly [string, string][] = [
    ['a.html', 'text/html; charset=utf-8'],
    ['A.HTML', 'text/html; charset=utf-8'],
    ['a.css', 'text/css; charset=utf-8'],
    ['a.js', 'text/javascript; charset=utf-8'],
    ['a.mjs', 'text/javascript; charset=utf-8'],
    ['a.cjs', 'text/javascript; charset=utf-8'],
    ['a.json', 'application/json'],
    ['a.map', 'application/json'],
    ['a.svg', 'image/svg+xml'],
    ['a.txt', 'text/plain; charset=utf-8'],
    ['a.md', 'text/markdown; charset=utf-8'],
    ['a.xml', 'text/xml'],
    ['a.xhtml', 'application/xhtml+xml'],
    ['a.wasm', 'application/wasm'],
    ['a.woff2', 'font/woff2'],
    ['a.webmanifest', 'application/manifest+json'],
    ['a.b.png', 'image/png'],
    ['a.ico', 'image/x-icon'],
    ['a.pdf', 'application/pdf'],
    ['a.tar.gz', 'application/gzip'],
    ['a.mp4', 'video/mp4'],
    ['a.php', 'text/plain; charset=utf-8'],
    ['folder.html/README', 'text/plain; charset=utf-8'],
    ['/.well-known/apple-app-site-association', 'application/json'],
    ['a.toml', 'text/plain; charset=utf-8'],
    ['a.csv', 'text/csv; charset=utf-8'],
    ['a.ics', 'text/calendar; charset=utf-8'],
    ['a.vtt', 'text/vtt; charset=utf-8'],
    ['a.yml', 'application/yaml'],
    ['a.avif', 'image/avif'],
    ['a.webp', 'image/webp'],
    ['a.jxl', 'image/jxl'],
    ['a.mkv', 'video/matroska'],
    ['a.m4v', 'video/mp4'],
    ['a.webm', 'video/webm'],
    ['a.avi', 'video/x-msvideo'],
    ['a.mp3', 'audio/mpeg'],
    ['a.m4a', 'audio/mp4'],
    ['a.flac', 'audio/flac'],
    ['a.opus', 'audio/ogg'],
    ['a.wav', 'audio/wav'],
    ['a.m3u8', 'application/vnd.apple.mpegurl'],
    ['a.mpd', 'application/dash+xml'],
    ['a.epub', 'application/epub+zip'],
    ['a.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['a.zip', 'application/zip'],
    ['a.zst', 'application/zstd'],
    ['a.exe', 'application/octet-stream'],
    ['a.eml', 'message/rfc822'],
    ['README', 'text/plain; charset=utf-8'],
    ['binary', 'application/octet-stream'],
    ['a.', 'application/octet-stream'],
    ['a.unknown', 'application/octet-stream'],
    ['a.constructor', 'application/octet-stream'],
    ['a.__proto__', 'application/octet-stream'],
    ['a.hasOwnProperty', 'application/octet-stream'],
  ]
  for (const [name, type] of table) it(`${name} → ${type}`, () => expect(mediaTypeOf(name)).to.equal(type))

  it('are compressed where that makes them smaller', () => {
    const names = [
      'a.html',
      'a.css',
      'a.js',
      'a.json',
      'a.map',
      'a.svg',
      'a.txt',
      'a.xml',
      'a.wasm',
      'a.ttf',
      'a.ico',
      'a.atom',
      'README',
    ]
    for (const name of names) expect(isCompressible(mediaTypeOf(name)), name).to.equal(true)
    for (const name of ['a.png', 'a.jpg', 'a.woff2', 'a.zip', 'a.gz', 'a.mp4', 'a.mp3', 'a.pdf', 'a.docx', 'binary', 'a.webp']) {
      expect(isCompressible(mediaTypeOf(name)), name).to.equal(false)
    }
  })
})
