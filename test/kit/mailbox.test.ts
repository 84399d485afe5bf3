import { expect } from 'chai'
import { temporaryFolder } from './folder.ts'
import { mailboxWith, messageOctets, storeOf } from './mailbox.ts'
import { testSettings } from './settings.ts'

describe('the kit: mailboxes', () => {
  it('hold the messages that were put in, exactly and in their order', async () => {
    await using folder = await temporaryFolder()
    const settings = testSettings(folder.path)
    await mailboxWith(settings, 'alice', ['one', 'two\n.dot\n', Buffer.from([0, 255, 10])])
    const store = await storeOf(settings)
    const found: Buffer[] = []
    for (const { id } of await store.list('alice')) {
      const chunks: Buffer[] = []
      for await (const chunk of store.read('alice', id)) chunks.push(chunk)
      found.push(Buffer.concat(chunks))
    }
    await store.close()
    expect(found).to.deep.equal([Buffer.from('one\r\n'), Buffer.from('two\r\n.dot\r\n'), Buffer.from([0, 255, 10])])
  })

  it('end their lines with CRLF, also where the text has none', () => {
    expect(messageOctets('a\r\nb').toString()).to.equal('a\r\nb\r\n')
  })
})
