import { expect } from 'chai'
import { fill } from '../../servers/exec/places.ts'

const places = { data: '/srv/data', logs: '/srv/logs', host: '127.0.0.1', port: 3306 }

describe('words in braces', () => {
  it('stand for the settings, also several in one text', () => {
    expect(fill('--listen={host}:{port}', places)).to.equal('--listen=127.0.0.1:3306')
    expect(fill('{data}/x {logs}/y {data}', places)).to.equal('/srv/data/x /srv/logs/y /srv/data')
  })

  it('that stand for nothing are left as they are: they may be the program’s own', () => {
    expect(fill('{"a": {}} {user} {new} {Port} $PORT', places)).to.equal('{"a": {}} {user} {new} {Port} $PORT')
  })

  it('in what is put in are not looked at again', () => {
    expect(fill('{data}', { ...places, data: '/srv/{port}/$&' })).to.equal('/srv/{port}/$&')
  })

  it('name what a preparation makes', () => {
    expect(fill('--datadir={new}', { ...places, new: '/srv/data/mysql.new/mysql' })).to.equal('--datadir=/srv/data/mysql.new/mysql')
  })
})
