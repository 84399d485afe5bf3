import { basename, dirname, extname } from 'node:path'
import { expect } from 'chai'
import { codeFiles, projectFiles, textOf } from './sources.ts'

/** Drawers into which anything fits: nobody owns them. */
const drawers = ['index', 'utils', 'util', 'helpers', 'helper', 'common', 'types', 'misc', 'lib', 'stuff']
const maxLines = 400
/** A file may be longer when it says why, in a line of this form. */
const reason = /^\s*(?:\/\/|\*)\s*Above 400 lines: \S/m

/** Text that only the machine of one person has. Put together here, so that this file does not hold it. */
const machinePaths = [
  new RegExp(`(?<![\\w.~-])/${'work'}/(?:main|shared|wt)`),
  new RegExp(`/${'tmp'}/(?:wt|bash_jobs|kitlab)`),
  new RegExp(`(?<![\\w.])/${'home'}/(?!<)[a-z]\\w*/`),
  new RegExp(`(?<![\\w.])/${'root'}/\\w`),
  new RegExp(`/${'Users'}/\\w+/`),
]
const isText = (file: string) => !['.png', '.ico', '.gif', '.jpg', '.woff2', '.db', '.gz', '.zst'].includes(extname(file))

describe('the house: files', () => {
  it(`have at most ${maxLines} lines of code, or say why`, () => {
    const long = codeFiles
      .map((file) => ({ file, text: textOf(file) }))
      .filter(({ text }) => text.split('\n').length - 1 > maxLines && !reason.test(text))
    expect(long.map(({ file }) => file)).to.deep.equal([])
  })

  it('and folders are called after what they hold', () => {
    const names = codeFiles.flatMap((file) =>
      [...dirname(file).split('/'), basename(file).replace(/(?:\.test)?\.[cm]?[tj]s$/, '')].map((name) => ({ file, name })),
    )
    expect(names.filter(({ name }) => drawers.includes(name)).map(({ file }) => file)).to.deep.equal([])
    // Lower case with hyphens.
    expect(names.filter(({ name }) => !/^[a-z\d]+(?:[-.][a-z\d]+)*$/.test(name)).map(({ file }) => file)).to.deep.equal([])
  })

  it('hold nothing of the machine they were written on', () => {
    const wrong = projectFiles.filter(isText).flatMap((file) =>
      textOf(file)
        .split('\n')
        .flatMap((line, at) => (machinePaths.some((path) => path.test(line)) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
    )
    expect(wrong).to.deep.equal([])
  })

  it('end with one line break', () => {
    const wrong = projectFiles.filter(isText).filter((file) => {
      const text = textOf(file)
      return text !== '' && !/[^\n]\n$/.test(text)
    })
    expect(wrong).to.deep.equal([])
  })
})
