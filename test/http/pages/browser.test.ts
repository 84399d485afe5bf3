import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Page, Response } from 'playwright-core'
import { type Browser, browserPrograms, startBrowser } from '../../kit/browser.ts'
import { eventually } from '../../kit/eventually.ts'
import { describeWith } from '../../kit/programs.ts'
import { seeded } from '../../kit/seeded.ts'
import type { Running } from '../../kit/serving.ts'
import { serveSite } from '../site.ts'
import { wavOf } from './wav.ts'

const hostile = '<img src=x onerror=alert(1)>.txt'
const binary = seeded(7).octets(3_000_000)
const sound = wavOf(1_000)

/** Relative luminance and contrast, as WCAG 2.2 defines them, of two colours that a browser computed. */
const contrast = (one: string, other: string): number => {
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? [])
      .slice(0, 3)
      .map((part) => Number(part) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

describeWith(browserPrograms, 'Chromium', function () {
  this.timeout(120_000)
  let site: Running
  let browser: Browser
  let page: Page
  /** What the page's console said, and scripts that asked to be noticed. */
  const complaints: string[] = []
  const at = (path: string): string => `http://127.0.0.1:${site.port}${path}`
  const names = (): Promise<string[]> => page.locator('tbody bdi').allTextContents()
  const statusesOf = (path: string): unknown[] =>
    site.journal
      .of('request.finished')
      .filter(({ fields }) => fields['path'] === path)
      .map(({ fields }) => fields['status'])

  /** As the browser computed it: `rgb(1, 2, 3)`. */
  const colourOf = async (selector: string, property: 'color' | 'backgroundColor' = 'color'): Promise<string> =>
    String(await page.evaluate(`getComputedStyle(document.querySelector('${selector}')).${property}`))

  before(async () => {
    site = await serveSite({
      'www/list/file10.txt': 'x'.repeat(10),
      'www/list/file9.txt': 'x'.repeat(900),
      'www/list/Sub folder/inner/deep.txt': 'deep',
      [`www/list/${hostile}`]: 'harmless',
      'www/list/100% ?#&;=+:漢字.txt': 'strange',
      'www/list/scan of a very long document name without any use for spaces_________________________________________.txt': 'x',
      'www/data.bin': binary,
      'www/sound.wav': sound,
      'www/player.html': '<!DOCTYPE html><title>player</title><video src="sound.wav" preload="metadata"></video>',
      'www/page.html': '<!DOCTYPE html><title>page</title><link rel="stylesheet" href="style.css"><p>text</p>',
      'www/style.css': 'p{color:rgb(1, 2, 3)}',
    })
    browser = await startBrowser()
  })
  after(async () => {
    await browser?.close()
    await site?.close()
  })
  beforeEach(async () => {
    page = await browser.context.newPage()
    complaints.length = 0
    page.on('console', (message) => {
      // That a site has no icon is no complaint.
      if (!message.location().url.endsWith('/favicon.ico')) complaints.push(message.text())
    })
    page.on('dialog', (dialog) => complaints.push(dialog.message()))
    page.on('pageerror', (error) => complaints.push(error.message))
  })
  afterEach(() => page.close())

  it('shows a folder, sorts it by its columns and goes down and back up, without a script', async () => {
    await page.goto(at('/list/'))
    const whole = ['Sub folder', hostile, '100% ?#&;=+:漢字.txt', 'file9.txt', 'file10.txt']
    expect((await names()).filter((name) => whole.includes(name))).to.deep.equal(whole)
    await page.getByRole('columnheader', { name: 'Size' }).getByRole('link').click()
    expect((await names()).slice(0, 3)).to.deep.equal(['Sub folder', 'file9.txt', 'file10.txt'])
    expect(await page.getByRole('columnheader', { name: 'Size' }).getAttribute('aria-sort')).to.equal('descending')
    await page.getByRole('columnheader', { name: 'Size' }).getByRole('link').click()
    expect((await names()).at(-1)).to.equal('file9.txt')
    await page.getByRole('link', { name: 'Sub folder' }).click()
    await page.getByRole('link', { name: 'inner' }).click()
    expect(await names()).to.deep.equal(['deep.txt'])
    await page.getByRole('heading').getByRole('link', { name: 'list' }).click()
    expect(page.url()).to.equal(at('/list/'))
    await page.getByRole('heading').getByRole('link', { name: 'Home' }).click()
    expect(page.url()).to.equal(at('/'))
    expect(await page.locator('script').count()).to.equal(0)
    expect(complaints).to.deep.equal([])
  })

  it('opens what a list shows, whatever it is called, and runs nothing of it', async () => {
    await page.goto(at('/list/'))
    for (const [name, content] of [
      [hostile, 'harmless'],
      ['100% ?#&;=+:漢字.txt', 'strange'],
    ] as const) {
      await page.locator('td.name a', { hasText: name }).click()
      expect(await page.locator('body').innerText()).to.equal(content)
      await page.goBack()
    }
    expect(complaints).to.deep.equal([])
  })

  it('fits a phone and a desk, in light and in dark, with enough contrast', async () => {
    const backs = new Set<string>()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      for (const width of [320, 390, 1_280]) {
        await page.setViewportSize({ width, height: 800 })
        for (const path of ['/list/', '/list/Sub folder/inner/', `/none/${'long'.repeat(40)}`]) {
          await page.goto(at(path))
          const wide = await page.evaluate('document.documentElement.scrollWidth')
          expect(wide, `${path} at ${width}`).to.be.at.most(width)
        }
      }
      await page.goto(at('/list/'))
      const back = await colourOf('body', 'backgroundColor')
      const card = await colourOf('table', 'backgroundColor')
      backs.add(back)
      for (const each of ['body', 'h1 a', 'th a', 'td.name a', 'td.size', 'td.date', 'footer']) {
        const text = await colourOf(each)
        expect(contrast(text, back), `${each}: ${text} on ${back}`).to.be.at.least(4.5)
        expect(contrast(text, card), `${each}: ${text} on ${card}`).to.be.at.least(4.5)
      }
    }
    expect(backs).to.have.property('size', 2)
  })

  it('is told what an error means, what was asked and where the journal has it', async () => {
    const answer = await page.goto(at('/list/none.html?<b>=1'))
    expect(answer?.status()).to.equal(404)
    expect(await page.title()).to.equal('404 Not Found')
    expect(await page.locator('dd').first().innerText()).to.equal('GET /list/none.html?%3Cb%3E=1')
    const told = await page.locator('dd').allInnerTexts()
    const [record] = await eventually(() => {
      const found = site.journal.of('request.finished').filter(({ fields }) => fields['path'] === '/list/none.html')
      expect(found).to.have.length(1)
      return found
    })
    expect(told).to.include(record?.fields['connection'])
    await page.getByRole('link', { name: 'To the start page' }).click()
    expect(page.url()).to.equal(at('/'))
  })

  it('does not keep an error: what comes to be there is seen at once', async () => {
    const file = join(site.settings.data, 'www/late.html')
    expect((await page.goto(at('/late.html')))?.status()).to.equal(404)
    await writeFile(file, '<title>here</title>')
    expect((await page.goto(at('/late.html')))?.status()).to.equal(200)
    expect(await page.title()).to.equal('here')
    await rm(file)
    expect((await page.goto(at('/late.html')))?.status()).to.equal(404)
  })

  it('follows a folder’s name to its list', async () => {
    const answer = await page.goto(at('/list?sort=size'))
    expect(answer?.status()).to.equal(200)
    expect(page.url()).to.equal(at('/list/?sort=size'))
  })

  it('downloads what it cannot show, octet for octet', async () => {
    await page.goto(at('/?sort=name'))
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('td.name a', { hasText: 'data.bin' }).click(),
    ])
    expect(download.suggestedFilename()).to.equal('data.bin')
    expect(readFileSync(await download.path()).equals(binary)).to.equal(true)
  })

  it('plays from the middle of a file without fetching what is before it', async () => {
    const answers: Response[] = []
    page.on('response', (answer) => answers.push(answer))
    await page.goto(at('/player.html'))
    const seek = (seconds: number): Promise<unknown> =>
      page.evaluate(`(async (player) => {
        if (player.readyState === 0) await new Promise((ready) => player.addEventListener('loadedmetadata', ready, { once: true }))
        const seeked = new Promise((done) => player.addEventListener('seeked', done, { once: true }))
        player.currentTime = ${seconds}
        await seeked
        return player.currentTime
      })(document.querySelector('video'))`)
    for (const seconds of [990, 12, 500.5]) expect(await seek(seconds)).to.be.closeTo(seconds, 0.1)
    const parts = answers.filter((answer) => answer.url().endsWith('/sound.wav'))
    expect(parts.map((answer) => answer.status())).to.satisfy((statuses: number[]) => statuses.every((status) => status === 206))
    const begins = parts.map((answer) => Number(/bytes (\d+)-/.exec(answer.headers()['content-range'] ?? '')?.[1]))
    // 990 s are at octet 7,920,044 or a little before: no answer went on from the beginning to there.
    expect(begins.some((begin) => begin > 7_000_000 && begin < sound.length)).to.equal(true)
  })

  it('asks whether what it has kept is still the same, and sees a change at once (RFC 9111 §5.2.2.4)', async () => {
    await page.goto(at('/page.html'))
    expect(await colourOf('p')).to.equal('rgb(1, 2, 3)')
    await page.goto(at('/page.html'))
    expect(await colourOf('p')).to.equal('rgb(1, 2, 3)')
    await eventually(() => expect(statusesOf('/style.css')).to.deep.equal([200, 304]))
    await writeFile(join(site.settings.data, 'www/style.css'), 'p{color:rgb(4, 5, 6)}')
    await page.goto(at('/page.html'))
    expect(await colourOf('p')).to.equal('rgb(4, 5, 6)')
    await eventually(() => expect(statusesOf('/style.css')).to.deep.equal([200, 304, 200]))
    expect(statusesOf('/page.html')).to.deep.equal([200, 304, 304])
  })
})
