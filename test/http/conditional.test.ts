import { expect } from 'chai'
import { httpDate, readHttpDate } from '../../servers/http/dates.ts'
import { type Conditions, judge, rangeCounts, readTags } from '../../servers/http/static/conditional.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const modifiedMs = Date.UTC(1994, 10, 6, 8, 49, 37)
const validators = { etag: '"a"', modifiedMs }
const none: Conditions = { ifMatch: undefined, ifNoneMatch: undefined, ifModifiedSince: undefined, ifUnmodifiedSince: undefined }
const at = httpDate(modifiedMs)
const before = httpDate(modifiedMs - 1_000)
const later = httpDate(modifiedMs + 1_000)

describe('conditions (RFC 9110 §13.2.2)', () => {
  const table: readonly [Partial<Conditions>, string][] = [
    [{}, 'proceed'],
    [{ ifMatch: '"a"' }, 'proceed'],
    [{ ifMatch: '*' }, 'proceed'],
    [{ ifMatch: '"b", "a"' }, 'proceed'],
    [{ ifMatch: '"b"' }, 'failed'],
    // Weak tags never match strongly (§13.1.1).
    [{ ifMatch: 'W/"a"' }, 'failed'],
    [{ ifMatch: 'a' }, 'failed'],
    [{ ifMatch: '' }, 'failed'],
    [{ ifUnmodifiedSince: at }, 'proceed'],
    [{ ifUnmodifiedSince: later }, 'proceed'],
    [{ ifUnmodifiedSince: before }, 'failed'],
    [{ ifUnmodifiedSince: 'no date' }, 'proceed'],
    // If-Match outdoes If-Unmodified-Since, step 1 before step 2.
    [{ ifMatch: '"a"', ifUnmodifiedSince: before }, 'proceed'],
    [{ ifMatch: '"b"', ifUnmodifiedSince: later }, 'failed'],
    [{ ifNoneMatch: '"a"' }, 'unchanged'],
    [{ ifNoneMatch: 'W/"a"' }, 'unchanged'],
    [{ ifNoneMatch: '*' }, 'unchanged'],
    [{ ifNoneMatch: ' * ' }, 'unchanged'],
    [{ ifNoneMatch: '"b",W/"c" , "a"' }, 'unchanged'],
    [{ ifNoneMatch: ', ,"a",' }, 'unchanged'],
    [{ ifNoneMatch: '"b"' }, 'proceed'],
    [{ ifNoneMatch: '"x, "a"' }, 'proceed'],
    [{ ifNoneMatch: 'a' }, 'proceed'],
    [{ ifModifiedSince: at }, 'unchanged'],
    [{ ifModifiedSince: later }, 'unchanged'],
    [{ ifModifiedSince: before }, 'proceed'],
    [{ ifModifiedSince: 'Sunday, 06-Nov-94 08:49:37 GMT' }, 'unchanged'],
    [{ ifModifiedSince: 'Sun Nov  6 08:49:37 1994' }, 'unchanged'],
    [{ ifModifiedSince: 'no date' }, 'proceed'],
    // If-None-Match outdoes If-Modified-Since (§13.1.3).
    [{ ifNoneMatch: '"b"', ifModifiedSince: at }, 'proceed'],
    [{ ifNoneMatch: '"a"', ifModifiedSince: before }, 'unchanged'],
    // What fails comes before what is unchanged.
    [{ ifMatch: '"b"', ifNoneMatch: '"a"' }, 'failed'],
    [{ ifMatch: '"a"', ifNoneMatch: '"a"' }, 'unchanged'],
    [{ ifUnmodifiedSince: before, ifNoneMatch: '"a"' }, 'failed'],
  ]
  for (const [conditions, verdict] of table) {
    it(`${JSON.stringify(conditions)} → ${verdict}`, () => {
      expect(judge({ ...none, ...conditions }, validators, nowMs)).to.equal(verdict)
    })
  }

  it('read lists of tags with commas in them', () => {
    expect(readTags('"a,b", W/"c"')).to.deep.equal(['"a,b"', 'W/"c"'])
    expect(readTags('""')).to.deep.equal(['""'])
    for (const text of ['', ',', 'a', '"a', '"a" "b"', 'w/"a"', '"a"x']) expect(readTags(text), text).to.equal(null)
  })

  it('are read in linear time', () => {
    const startedAt = process.cpuUsage()
    judge({ ...none, ifNoneMatch: `${'"a",'.repeat(8_000)}x`, ifMatch: `${', '.repeat(16_000)}"` }, validators, nowMs)
    const { user } = process.cpuUsage(startedAt)
    expect(user).to.be.lessThan(1_000_000)
  })
})

describe('If-Range (RFC 9110 §13.1.5)', () => {
  it('counts with our tag or our date, exactly', () => {
    expect(rangeCounts(undefined, validators, nowMs)).to.equal(true)
    expect(rangeCounts('"a"', validators, nowMs)).to.equal(true)
    expect(rangeCounts(at, validators, nowMs)).to.equal(true)
    for (const value of ['"b"', 'W/"a"', '*', '"a", "b"', before, later, 'a', '']) {
      expect(rangeCounts(value, validators, nowMs), value).to.equal(false)
    }
  })

  it('does not take a date of this very second for a strong validator (§8.8.2.2)', () => {
    expect(rangeCounts(at, validators, modifiedMs + 999)).to.equal(false)
    expect(rangeCounts(at, validators, modifiedMs + 1_000)).to.equal(true)
  })
})

describe('dates (RFC 9110 §5.6.7)', () => {
  it('are written in one form and read in three', () => {
    expect(httpDate(modifiedMs)).to.equal('Sun, 06 Nov 1994 08:49:37 GMT')
    for (const text of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) {
      expect(readHttpDate(text, nowMs), text).to.equal(modifiedMs)
    }
    expect(readHttpDate('Wed Nov 16 08:49:37 1994', nowMs)).to.equal(Date.UTC(1994, 10, 16, 8, 49, 37))
  })

  it('take a year of two digits for the one that is at most 50 years ahead', () => {
    const year = (text: string) => new Date(readHttpDate(`Sunday, 06-Nov-${text} 08:49:37 GMT`, nowMs) ?? 0).getUTCFullYear()
    expect(['26', '76', '77', '99', '00'].map(year)).to.deep.equal([2026, 2076, 1977, 1999, 2000])
  })

  it('are nothing else', () => {
    for (const text of [
      '',
      'Sun, 6 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 08:49:37',
      'Sun, 06 Nov 1994 08:49:37 CET',
      'Sun, 06 nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 24:00:00 GMT',
      'Sun, 06 Nov 1994 08:60:37 GMT',
      'Sun, 30 Feb 1994 08:49:37 GMT',
      '1994-11-06T08:49:37Z',
      ' Sun, 06 Nov 1994 08:49:37 GMT',
      '784111777',
    ]) {
      expect(readHttpDate(text, nowMs), text).to.equal(null)
    }
  })
})
