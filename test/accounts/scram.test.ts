import { expect } from 'chai'
import {
  makeScramKeys,
  provenSignature,
  readScramKeys,
  ScramKeysError,
  saslPrepared,
  scramIterations,
  scramKeysOutdated,
  unfittingScramKeys,
} from '../../shared/accounts/scram.ts'
import { readClientFinal, readClientFirst } from '../../shared/accounts/scram-messages.ts'
import { ScramClient } from '../kit/scram-client.ts'

/** RFC 7677 §3. */
const example = {
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  challenge: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}

describe('SCRAM-SHA-256: keys (RFC 5802 §3)', () => {
  it('the kit’s client says what RFC 7677 §3 says', () => {
    const client = new ScramClient('user', 'pencil', { nonce: 'rOprNGfwEbeRWgbNEkqO' })
    expect(client.first).to.equal(example.first)
    expect(client.final(example.challenge)).to.equal(example.final)
    expect(client.trusts(`v=${example.signature}`)).to.equal(true)
    expect(client.trusts('v=AAAA')).to.equal(false)
  })

  /** One whole exchange against keys of this password. */
  const proves = async (stored: string, sent: string) => {
    const keys = readScramKeys(await makeScramKeys(stored, 4_096))
    const client = new ScramClient('user', sent, { nonce: 'abc' })
    const challenge = `r=abcdef,s=${keys.salt.toString('base64')},i=${keys.iterations}`
    const final = readClientFinal(client.final(challenge))
    if (final === null) throw new Error('the kit’s client does not speak SCRAM')
    const message = `n=user,r=abc,${challenge},${final.withoutProof}`
    const signature = provenSignature(keys, message, Buffer.from(final.proof, 'base64'))
    if (signature !== null) expect(client.trusts(`v=${signature.toString('base64')}`)).to.equal(true)
    return signature !== null
  }

  it('prove the right password and no other', async () => {
    expect(await proves('pencil', 'pencil')).to.equal(true)
    expect(await proves('pencil', 'pencil ')).to.equal(false)
    expect(await proves('pencil', '')).to.equal(false)
  })

  it('take passwords beyond ASCII in the form of SASLprep (RFC 4013 §3)', async () => {
    for (const [written, sent] of [
      ['I\u00adX', 'IX'],
      ['\u00aa', 'a'],
      ['\u2168', 'IX'],
      ['pa\u0308sswo\u0308rd ✓', 'pässwörd ✓'],
      ['a\u00a0b\u3000c', 'a b c'],
      ['ﬁsch', 'fisch'],
      ['👩🏽\u200d🚀', '👩🏽🚀'],
      ['USER', 'USER'],
    ] as const) {
      expect(saslPrepared(written), written).to.equal(sent)
      expect(await proves(written, sent), written).to.equal(true)
    }
    expect(saslPrepared('user')).to.not.equal(saslPrepared('USER'))
  })

  it('no proof of another length fits', () => {
    const keys = unfittingScramKeys(Buffer.alloc(32), 'x')
    for (const octets of [0, 31, 33, 1_000]) expect(provenSignature(keys, 'm', Buffer.alloc(octets))).to.equal(null)
  })

  it('are written as RFC 5803 writes them, with a salt of their own and 600,000 iterations', async () => {
    const [one, other] = [await makeScramKeys('x'), await makeScramKeys('x')]
    expect(one).to.match(/^SCRAM-SHA-256\$600000:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/)
    expect(one).to.not.equal(other)
    expect(readScramKeys(one).iterations).to.equal(scramIterations)
    expect(scramKeysOutdated(one)).to.equal(false)
    expect(scramKeysOutdated(await makeScramKeys('x', 4_096))).to.equal(true)
  })

  it('that are of no known form are an error that does not tell them', () => {
    for (const text of ['', 'SCRAM-SHA-1$4096:c2FsdA==$hush:hush', 'SCRAM-SHA-256$x:hush$y:z', 'hush']) {
      expect(() => readScramKeys(text))
        .to.throw(ScramKeysError)
        .with.property('message')
        .that.does.not.include('hush')
    }
  })

  it('that nobody fits are the same for a name at each time, and others for another name or store', () => {
    const salt = (secret: string, name: string) => unfittingScramKeys(Buffer.from(secret), name).salt.toString('hex')
    expect(salt('s', 'alice')).to.equal(salt('s', 'alice'))
    expect(new Set([salt('s', 'alice'), salt('s', 'bob'), salt('t', 'alice')]).size).to.equal(3)
    expect(unfittingScramKeys(Buffer.from('s'), 'alice')).to.include({ iterations: scramIterations })
  })
})

describe('SCRAM-SHA-256: what clients say (RFC 5802 §7)', () => {
  it('reads a first message', () => {
    expect(readClientFirst('n,,n=user,r=abc')).to.deep.equal({
      ...{ header: 'n,,', binding: 'n', authorization: '', name: 'user', nonce: 'abc', bare: 'n=user,r=abc' },
    })
    expect(readClientFirst('y,a=x=2Cy,n=a=2Cb=3Dc,r=!~,x=later')).to.deep.equal({
      ...{ header: 'y,a=x=2Cy,', binding: 'y', authorization: 'x,y', name: 'a,b=c', nonce: '!~', bare: 'n=a=2Cb=3Dc,r=!~,x=later' },
    })
    expect(readClientFirst('p=tls-unique,,n=user,r=abc')?.binding).to.equal('p')
    expect(readClientFirst('n,,n=üser,r=abc')?.name).to.equal('üser')
  })

  for (const text of [
    ...['', 'n,,', 'n=user,r=abc', 'n,n=user,r=abc', 'x,,n=user,r=abc', 'N,,n=user,r=abc', 'n,,n=,r=abc', 'n,,n=user,r='],
    ...[
      'n,,r=abc,n=user',
      'n,,m=ext,n=user,r=abc',
      'n,,n=us=er,r=abc',
      'n,,n=us=2c,r=abc',
      'n,,n=user,r=a b',
      'n,,n=user,r=ab\u00e9',
    ],
    ...['n,,n=us\0er,r=abc', 'n,a=,n=user,r=abc', 'p,,n=user,r=abc', 'n,,n=user,r=abc,', 'n,,n=user,r=abc\n', ' n,,n=user,r=abc'],
  ]) {
    it(`takes ${JSON.stringify(text)} for no first message`, () => {
      expect(readClientFirst(text)).to.equal(null)
    })
  }

  it('reads a last message', () => {
    expect(readClientFinal('c=biws,r=abcdef,p=AAAA')).to.deep.equal({
      ...{ binding: 'n,,', nonce: 'abcdef', withoutProof: 'c=biws,r=abcdef', proof: 'AAAA' },
    })
  })

  for (const text of [
    ...[
      '',
      'c=biws,r=abc',
      'r=abc,c=biws,p=AAAA',
      'c=biws,p=AAAA',
      'c=bi ws,r=abc,p=AAAA',
      'c=biws,r=abc,p=AAA',
      'c=biws,r=,p=AAAA',
    ],
    ...['c=biws,r=abc,p=AAAA,x=y', 'c=biws,r=abc,p=', 'c=biws,r=abc,p=AAAA\0'],
  ]) {
    it(`takes ${JSON.stringify(text)} for ${text.endsWith('p=') ? 'a last message with an empty proof' : 'no last message'}`, () => {
      const read = readClientFinal(text)
      if (text.endsWith('p=')) expect(read?.proof).to.equal('')
      else expect(read).to.equal(null)
    })
  }
})
