import { expect } from 'chai'
import { acceptedCodings } from '../../servers/http/static/codings.ts'

describe('codings that a client takes (RFC 9110 §12.5.3)', () => {
  const table: readonly [string | undefined, string][] = [
    [undefined, ''],
    ['', ''],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br zstd gzip'],
    ['gzip,deflate', 'gzip'],
    ['deflate', ''],
    ['*', 'br zstd gzip'],
    ['*;q=0', ''],
    ['br;q=0, *', 'zstd gzip'],
    ['gzip;q=1, *;q=0.5', 'gzip br zstd'],
    ['br;q=0.5, gzip', 'gzip br'],
    ['br;q=0.5,gzip;q=0.8,zstd;q=0.8', 'zstd gzip br'],
    ['br ; q=0.001', 'br'],
    ['br;q=0', ''],
    ['br;q=0.000', ''],
    ['identity', ''],
    // As it is, unless something is liked as much.
    ['identity, gzip', 'gzip'],
    ['identity;q=1, gzip;q=0.5', ''],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['identity;q=1, *;q=0', ''],
    ['identity;q=0, gzip', 'gzip'],
    // What is no list item says nothing.
    ['gzip;q=2', ''],
    ['gzip;q=-1', ''],
    ['gzip;q=0.1234', ''],
    ['gzip br', ''],
    [', gzip,,', 'gzip'],
    ['gzip;level=9', ''],
    ['constructor, gzip', 'gzip'],
  ]
  for (const [text, wanted] of table) {
    it(`${JSON.stringify(text)} → ${wanted === '' ? 'none' : wanted}`, () => {
      expect(acceptedCodings(text).join(' ')).to.equal(wanted)
      // The second time it is remembered.
      expect(acceptedCodings(text).join(' ')).to.equal(wanted)
    })
  }

  it('are remembered for few clients only, and read in linear time', () => {
    for (let at = 0; at < 10_000; at++) expect(acceptedCodings(`gzip, x${at}`)).to.deep.equal(['gzip'])
    const startedAt = process.cpuUsage()
    acceptedCodings(`${'gzip;q=0.1 '.repeat(8_000)},${' '.repeat(60_000)}x,${',;'.repeat(30_000)}`)
    expect(process.cpuUsage(startedAt).user).to.be.lessThan(1_000_000)
  })
})
