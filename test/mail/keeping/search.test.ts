import { expect } from 'chai'
import { parseQuery, QueryError } from '../../../shared/mail/keeping/query.ts'
import { snippetOf } from '../../../shared/mail/keeping/snippet.ts'
import { type Lab, lab, message, multipart } from './lab.ts'

describe('mail search', function () {
  this.timeout(120_000)
  let place: Lab

  before(async () => {
    place = await lab()
  })

  after(async () => {
    await place.remove()
  })

  describe('finds words', () => {
    let id = ''

    before(async () => {
      const lines = [
        'From: Zoë Ångström <zoe@far.test>',
        'To: Sales <sales@havre.test>',
        'Cc: =?utf-8?q?J=C3=B6rg?= <joerg@x.test>',
      ]
      const parts = [
        'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nStra=DFe nach =C6r=F8sk=F8bing, na=EFve caf=E9',
        'Content-Type: text/html; charset=utf-8\r\n\r\n<style>p{colour:hidden}</style><p>only<b>in</b>html &Uuml;bung</p><p>next',
        'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="Rechnung Mai.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nc2VjcmV0d29yZA==',
      ]
      ;[id = ''] = await place.put(multipart([...lines, 'Subject: =?utf-8?q?D=C3=A9j=C3=A0_vu?= 検索エンジンの使い方'], parts), [
        'dora',
      ])
      await place.put(message(['Subject: other'], 'nothing of it'), ['dora'])
    })

    for (const query of [
      'strasse',
      'STRASSE',
      'Straße',
      'ærøskøbing',
      'aeroskobing',
      'naive CAFE',
      'cafe naive',
      '"naive cafe"',
      'onlyinhtml',
      'ubung next',
      'deja',
      'subject:déjà',
      '検索',
      'エンジン',
      'subject:使い方',
      'from:angstrom',
      'from:zoe@far.test',
      'from:sender@havre.test -other',
      'to:sales',
      'to:jorg',
      'to:dora@havre.test naive',
      'attachment:rechnung',
      'attachment:"Mai.pdf"',
      'rechn*',
      'cafe -absent',
      'FROM:zoe Subject:vu',
      '-other',
      '--- cafe',
      'cafe "',
    ])
      it(`with ${query}`, async () => {
        expect(await place.find(query, 'dora')).to.deep.equal([id])
      })

    for (const query of [
      'stras',
      '"cafe naive"',
      'cafe -naive',
      'subject:cafe',
      'from:sales',
      'attachment:cafe',
      'colour',
      'secretword',
      '検エ',
      'cafe OR other',
      'cafe NOT other',
      'caf* NEAR(naive',
      'box:b1',
      'b1',
      'cafe) OR (other',
      'cafe" OR "other',
      'subject:"vu" OR text:"other',
    ])
      it(`but not with ${query}`, async () => {
        expect(await place.find(query, 'dora')).to.deep.equal([])
      })
  })

  it('shows an account its own mail only, also of a message that went to several', async () => {
    const [mine = '', hers = ''] = await place.put(message(['Subject: shared'], 'quarterly'), ['alice', 'carol'])
    const [bobs = ''] = await place.put(message(['Subject: his'], 'quarterly'), ['bob'])
    expect(await place.find('quarterly', 'alice')).to.deep.equal([mine])
    expect(await place.find('quarterly', 'carol')).to.deep.equal([hers])
    expect(await place.find('quarterly', 'bob')).to.deep.equal([bobs])
    expect(await place.find('quarterly', 'nobody')).to.deep.equal([])
    // Who else got it stands in the envelope only, as with Bcc.
    expect(await place.find('quarterly to:carol', 'alice')).to.deep.equal([])
  })

  it('shows no message that was removed, before or after the index is swept', async () => {
    const [gone = '', hers = ''] = await place.put(message([], 'ephemeral'), ['alice', 'carol'])
    expect(await place.find('ephemeral')).to.deep.equal([gone])
    await place.take('alice', [gone])
    expect(await place.find('ephemeral')).to.deep.equal([])
    expect(await place.find('ephemeral', 'carol')).to.deep.equal([hers])
    await place.round()
    expect(await place.find('ephemeral', 'carol')).to.deep.equal([hers])
  })

  describe('finds the words of a message within a message', () => {
    const inner = (more = '') =>
      message(['From: Ida <ida@far.test>', 'Subject: =?utf-8?q?Fr=C3=BChling?=', ...(more === '' ? [] : [more])], 'forwardedword')
    const forwarded = 'Content-Type: message/rfc822\r\n'
    const inPart = (...parts: string[]) => multipart(['Subject: outer'], ['\r\nsee below', ...parts])
    const base64 = Buffer.from(inner()).toString('base64')
    for (const [what, text] of [
      ['as the whole of it', message(['Subject: outer', 'Content-Type: message/rfc822'], inner())],
      ['as a part', inPart(`${forwarded}\r\n${inner()}`)],
      ['as a part that is shown with it', inPart(`${forwarded}Content-Disposition: inline\r\n\r\n${inner()}`)],
      ['as an attachment', inPart(`${forwarded}Content-Disposition: attachment; filename=f.eml\r\n\r\n${inner()}`)],
      ['encoded', inPart(`${forwarded}Content-Transfer-Encoding: base64\r\n\r\n${base64}`)],
      ['of RFC 6532', inPart(`Content-Type: message/global\r\n\r\n${inner()}`)],
      ['which has parts', inPart(`${forwarded}\r\n${inner('Content-Type: text/html')}`)],
      ['before another part', inPart(`${forwarded}\r\n${inner()}`, 'Content-Type: text/plain\r\n\r\nlast')],
      ['within another one', inPart(`${forwarded}\r\n${message([forwarded.trim()], inner())}`)],
      ['behind a delimiter with blanks', inPart(`${forwarded}\r\n${inner()}`).replaceAll('--cut\r\n', '--cut \t\r\n')],
    ] as const)
      it(what, async () => {
        const [id = ''] = await place.put(text, ['fred'])
        expect(await place.find('forwardedword fruhling ida@far.test', 'fred')).to.deep.equal([id])
        // They are no header of the one that was delivered.
        expect(await place.find('from:ida', 'fred')).to.deep.equal([])
        await place.take('fred', [id])
      })

    it('but not of one that lies deeper than anybody looks, and goes on behind it', async () => {
      const deep = Array.from({ length: 40 }).reduce<string>((text) => message([forwarded.trim()], text), inner())
      const [id = ''] = await place.put(inPart(`${forwarded}\r\n${deep}`, 'Content-Type: text/plain\r\n\r\nbehindit'), ['fred'])
      expect(await place.find('behindit', 'fred')).to.deep.equal([id])
      expect(await place.find('behindit forwardedword', 'fred')).to.deep.equal([])
    })

    it('with the names of what is attached to it', async () => {
      const file = 'Content-Type: application/pdf; name=plan.pdf\r\n\r\nx'
      const [id = ''] = await place.put(inPart(`${forwarded}\r\n${multipart([], [file]).replaceAll('cut', 'in')}`), ['gina'])
      expect(await place.find('attachment:plan', 'gina')).to.deep.equal([id])
    })
  })

  it('tells the newest first, at most so many', async () => {
    const ids: string[] = []
    for (let count = 0; count < 5; count += 1) ids.push(...(await place.put(message([], 'serial'))))
    expect(await place.find('serial', 'alice', 3)).to.deep.equal(ids.reverse().slice(0, 3))
  })

  it('finds what lies behind many messages of a step, and one for very many accounts', async () => {
    const everybody = Array.from({ length: 600 }, (_, number) => `user${number}`)
    await place.put(message([], 'circular'), everybody)
    for (let count = 0; count < 70; count += 1) await place.put(message([], `filler${count}`))
    expect(await place.find('filler69')).to.have.length(1)
    expect(await place.find('circular', 'user599')).to.have.length(1)
  })

  it('finds what a message has behind its first chunk, and reads an empty one and one without a header', async () => {
    const [long = ''] = await place.put(message(['Subject: long'], `${'lorem ipsum\r\n'.repeat(20_000)}farbehind`))
    await place.put('')
    const [bare = ''] = await place.put('\r\nheaderless\r\n')
    expect(await place.find('farbehind')).to.deep.equal([long])
    expect(await place.find('headerless')).to.deep.equal([bare])
  })

  describe('refuses a question', () => {
    for (const query of ['', ' ', '*', '-', '""', 'from:', 'from:""', 'word to: bob'])
      it(JSON.stringify(query), () => {
        expect(() => parseQuery(query)).to.throw(QueryError)
      })
  })

  it('shows where it was found, on one line', () => {
    const text = `${'before '.repeat(30)}the\r\n  Stra\u00dfe itself\t${'after '.repeat(60)}`
    const snippet = snippetOf(text, parseQuery('strasse'))
    expect(snippet).to.match(/^… (?:before )+the Straße itself (?:after )+.*…$/)
    expect(snippetOf(text, parseQuery('absent -before'))).to.equal(null)
    expect(snippetOf(text, parseQuery('its*'))).to.contain('itself')
  })
})
