import { expect } from 'chai'
import { encodeSegment, pathOf, readAuthority, readTarget } from '../../servers/http/target.ts'
import { seeded } from '../kit/seeded.ts'

const read = (text: string) => {
  const reading = readTarget(text)
  return reading.ok ? reading.target : reading.problem
}

describe('targets, read', () => {
  it('are taken apart', () => {
    expect(read('/')).to.deep.equal({ authority: null, segments: [], folder: true, query: null })
    expect(read('/a/b.c')).to.deep.equal({ authority: null, segments: ['a', 'b.c'], folder: false, query: null })
    expect(read('/a/?x=/../y?z')).to.deep.equal({ authority: null, segments: ['a'], folder: true, query: 'x=/../y?z' })
    expect(read('/?')).to.deep.equal({ authority: null, segments: [], folder: true, query: '' })
    expect(read('HTTP://Host.test:81')).to.deep.equal({
      authority: { host: 'host.test', port: 81 },
      segments: [],
      folder: true,
      query: null,
    })
  })

  it('end as a folder when their last name is empty or dots', () => {
    for (const path of ['/a/', '/a/.', '/a/b/..', '/a/%2e', '/a//']) expect(read(path), path).to.include({ folder: true })
    for (const path of ['/a', '/a/...', '/a/.b', '/..a']) expect(read(path), path).to.include({ folder: false })
  })

  it('are decoded once', () => {
    expect(read('/%2541')).to.deep.include({ segments: ['%41'] })
    expect(read('/%252e%252e/a')).to.deep.include({ segments: ['%2e%2e', 'a'] })
    expect(read('/a%2Fb')).to.deep.include({ segments: ['a/b'] })
  })

  it('tell what is wrong with them', () => {
    expect(['', 'a', '*', '?a', 'a:80'].map(read)).to.deep.equal(['form', 'form', 'form', 'form', 'form'])
    expect(read('/a#b')).to.equal('fragment')
    expect(read('gopher://a/')).to.equal('scheme')
    expect(['http://', 'http:///a', 'http://a@b/', 'http://a b/', 'http://?a'].map(read)).to.deep.equal(Array(5).fill('host'))
    expect(['/%', '/%1', '/%gg', '/%ff', '/%c0%80', '/%ed%a0%80', '/%f5%80%80%80'].map(read)).to.deep.equal(Array(7).fill('escape'))
    expect(['/%00', '/a%0ab', '/%7f', '/a\\b'].map(read)).to.deep.equal(Array(4).fill('characters'))
    // HTTP/2 lets them through; readers of UTF-8 and of Latin-1 would see two paths.
    expect(['/\xe9', '/a?\xe9', '/ ', 'http://a/\x80'].map(read)).to.deep.equal(Array(4).fill('characters'))
    expect(['/..', '/a/../..', '/%2e%2E', '/./../a', '//..'].map(read)).to.deep.equal(Array(5).fill('above-root'))
  })

  it('come to the same names from any spelling, and never to a name of dots', () => {
    const random = seeded()
    const spell = (character: string): string =>
      random.chance(0.5) && character !== '%'
        ? character
        : [...Buffer.from(character)].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join('')
    for (let round = 0; round < 3_000; round++) {
      const names = Array.from({ length: random.between(1, 5) }, () => random.text(random.between(1, 8), 'abc.~-_ %üñ漢'))
      const plain = names.map((name) =>
        [...name].map((character) => (/[a-z.~_-]/.test(character) ? spell(character) : encodeURIComponent(character))).join(''),
      )
      const reading = readTarget(`/${plain.join('/')}`)
      // The oracle: the WHATWG URL parser resolves dots, the rest is decoded name by name.
      const url = new URL(`http://h/${plain.join('/')}`)
      if (!reading.ok) {
        expect(reading.problem).to.equal('above-root')
        continue
      }
      expect(reading.target.segments.filter((name) => name === '.' || name === '..' || name === '')).to.deep.equal([])
      const oracle = url.pathname
        .split('/')
        .slice(1)
        .filter((name) => name !== '')
        .map(decodeURIComponent)
      expect(reading.target.segments, url.href).to.deep.equal(oracle)
    }
  })

  it('survive anything', () => {
    const random = seeded()
    for (let round = 0; round < 5_000; round++) {
      const text = random.text(random.between(0, 30), '/.%2eEfFcC0aA\\?#:@[]htp~*<>"^`{|} ;')
      const reading = readTarget(text)
      if (!reading.ok) continue
      for (const name of reading.target.segments) expect(name, text).not.to.match(/^\.{0,2}$|[\0-\x1f\x7f]/)
    }
  })

  it('are written as paths that read as the same names, on this host', () => {
    const random = seeded()
    for (let round = 0; round < 2_000; round++) {
      const segments = Array.from(
        { length: random.between(0, 4) },
        () => `${random.text(random.between(1, 6), `ab/\\.%?#:@&=+$,;!'()*~ "<>^|ü漢`)}x`,
      )
      const path = pathOf(segments, true)
      expect(path).to.match(/^\/(?!\/)[\x21-\x7e]*$/)
      const url = new URL(path, 'http://here.test/')
      expect(url.host).to.equal('here.test')
      expect(readTarget(path)).to.deep.include({ target: { authority: null, segments, folder: true, query: null } })
    }
    expect(encodeSegment(`a:b@c&d`)).to.equal('a:b@c&d')
  })
})

describe('hosts, read', () => {
  it('are a name or an address, with or without a port', () => {
    expect(readAuthority('LocalHost')).to.deep.equal({ host: 'localhost', port: null })
    expect(readAuthority('a.b:8080')).to.deep.equal({ host: 'a.b', port: 8080 })
    expect(readAuthority('a:')).to.deep.equal({ host: 'a', port: null })
    expect(readAuthority('[2001:DB8::1]:443')).to.deep.equal({ host: '[2001:db8::1]', port: 443 })
  })

  it('are nothing else', () => {
    for (const text of [
      '',
      ':80',
      ' a',
      'a ',
      'a:b',
      'a:65536',
      'a:123456',
      '[::1',
      '::1',
      '[]',
      '[a]',
      'u@h',
      'a/b',
      'a?b',
      'a#b',
      'a%',
      'a\\b',
      'ä',
    ]) {
      expect(readAuthority(text), text).to.equal(null)
    }
  })
})
