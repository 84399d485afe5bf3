import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { lftp } from './lftp.ts'
import { makeTree, treeOf, useProgramLab } from './program-lab.ts'

const files = 2_000

/** How the data connections are. */
const manners = {
  'in clear': ['ftp:ssl-allow false'],
  'over TLS, data too': ['ftp:ssl-force true', 'ftp:ssl-protect-data true', 'ftp:ssl-protect-list true'],
} as const

describeWith(['lftp'], `FTP: lftp mirrors ${files} files, eight at once`, function () {
  this.timeout(900_000)
  const lab = useProgramLab()

  beforeEach(() => {
    lab().deadlineMs = 400_000
  })

  for (const [manner, settings] of Object.entries(manners)) {
    it(`both ways ${manner}, and finds nothing left to do`, async () => {
      await makeTree(lab().local('tree'), files)
      const timed = async (...commands: string[]) => {
        const began = performance.now()
        await lftp(lab(), 'ftp', settings, ...commands)
        return `${commands.join('; ')}: ${Math.round(performance.now() - began)} ms`
      }
      const told = [await timed('mirror -R -P 8 tree tree'), await timed('mirror -P 8 tree back')]
      const tree = await treeOf(lab().local('tree'))
      expect(Object.keys(tree)).to.have.length(files)
      expect(await treeOf(lab().home('tree'))).to.deep.equal(tree)
      expect(await treeOf(lab().local('back'))).to.deep.equal(tree)
      const transfers = () => lab().heard.filter((line) => /^(?:STOR|RETR)/.test(line)).length
      // lftp fetches no file that is empty: it makes it.
      expect(transfers()).to.equal(2 * files - 1)
      told.push(await timed('mirror -R -P 8 tree tree', 'mirror -P 8 tree back'))
      expect(transfers()).to.equal(2 * files - 1)
      console.log(told.map((line) => `      ${line}`).join('\n'))
    })
  }
})
