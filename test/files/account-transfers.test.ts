import { expect } from 'chai'
import { AccountTransfers, type TransferPlace } from '../../shared/files/account-transfers.ts'
import { fakeClock } from '../kit/fake-clock.ts'

const placeOf = (entered: TransferPlace | number): TransferPlace => {
  if (typeof entered === 'number') throw new Error(`no place: ${entered}`)
  return entered
}

describe("the transfers of an account's sessions", () => {
  const open = { bandwidth: { uploadOctets: null, downloadOctets: null }, transfers: null }

  it('are counted: no more than may be at once, each account for itself', () => {
    const transfers = new AccountTransfers((account) => ({ ...open, transfers: account === 'bob' ? null : 2 }), fakeClock())
    const first = placeOf(transfers.enter('alice', 'upload'))
    placeOf(transfers.enter('alice', 'download'))
    expect(transfers.enter('alice', 'upload')).to.equal(2)
    expect(transfers.enter('alice', 'download')).to.equal(2)
    for (let n = 0; n < 10; n += 1) placeOf(transfers.enter('bob', 'upload'))
    placeOf(transfers.enter('carol', 'upload'))
    first.leave()
    placeOf(transfers.enter('alice', 'upload'))
    expect(transfers.enter('alice', 'upload')).to.equal(2)
  })

  it('share one pace for each direction, also one after the other', () => {
    const transfers = new AccountTransfers(
      () => ({ bandwidth: { uploadOctets: 1000, downloadOctets: 2000 }, transfers: null }),
      fakeClock(),
    )
    const up = placeOf(transfers.enter('alice', 'upload'))
    const down = placeOf(transfers.enter('alice', 'download'))
    expect(up.pace).to.not.equal(null)
    expect(down.pace).to.not.equal(up.pace)
    up.leave()
    expect(placeOf(transfers.enter('alice', 'upload')).pace).to.equal(up.pace)
    expect(placeOf(transfers.enter('bob', 'upload')).pace).to.not.equal(up.pace)
  })

  it('have no pace where there is no limit', () => {
    const transfers = new AccountTransfers(() => open, fakeClock())
    expect(placeOf(transfers.enter('alice', 'upload')).pace).to.equal(null)
  })
})
