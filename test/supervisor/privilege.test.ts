import process from 'node:process'
import { expect } from 'chai'
import { checkRoot } from '../../servers/supervisor/privilege.ts'
import { PermanentError } from '../../shared/service.ts'
import { testSettings } from '../kit/settings.ts'

describe('root', () => {
  const getuid = process.getuid
  afterEach(() => {
    Object.assign(process, { getuid })
  })
  const as = (uid: number) => Object.assign(process, { getuid: () => uid })

  it('binds well-known ports only where it is told whom to become afterwards', () => {
    as(0)
    const message = 'ports: well-known as root needs the setting `user`: the account to become once the ports are bound'
    expect(() => checkRoot(testSettings('/srv', { ports: 'well-known' }))).to.throw(PermanentError, message)
    expect(checkRoot(testSettings('/srv', { ports: 'well-known', user: 'nobody' }))).to.equal(null)
  })

  it('is warned on other ports', () => {
    as(0)
    expect(checkRoot(testSettings('/srv'))).to.match(/^running as root: set `user`/)
    expect(checkRoot(testSettings('/srv', { user: 'nobody' }))).to.equal(null)
  })

  it('is not what others are taken for', () => {
    as(1_000)
    expect(checkRoot(testSettings('/srv', { ports: 'well-known' }))).to.equal(null)
  })
})
