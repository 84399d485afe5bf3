import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { browserPrograms, startBrowser } from '../../kit/browser.ts'
import { eventually } from '../../kit/eventually.ts'
import { describeWith } from '../../kit/programs.ts'
import { serveSite } from '../site.ts'

describeWith(browserPrograms, 'Chromium, on a site with settings', function () {
  this.timeout(120_000)

  it('logs in by Basic, shows own pages for errors, stores downloads and keeps what never changes', async () => {
    await using site = await serveSite(
      {
        'www/private/a.txt': 'secret',
        'www/404.html': '<!DOCTYPE html><title>Not here</title>',
        'www/downloads/ü "1".txt': 'stored',
        'www/page.html': '<!DOCTYPE html><link rel="stylesheet" href="/assets/style.css"><a href="/downloads/">all</a>',
        'www/assets/style.css': 'p{}',
      },
      {
        options: {
          routes: [{ path: '/private/', auth: ['alice'] }],
          pages: { 404: '/404.html' },
          rules: [
            { path: '/downloads/', files: '*.txt', download: true },
            { path: '/assets/', cache: 'public, max-age=31536000, immutable' },
          ],
        },
      },
    )
    const at = (path: string, login = '') => `http://${login}127.0.0.1:${site.port}${path}`
    const statusesOf = (path: string) =>
      site.journal.of('request.finished').flatMap(({ fields }) => (fields['path'] === path ? [fields['status']] : []))
    await using browser = await startBrowser()
    const page = await browser.context.newPage()

    expect((await page.goto(at('/private/a.txt', 'alice:wonder%20land%3A1@')))?.status()).to.equal(200)
    expect(await page.locator('body').innerText()).to.equal('secret')
    // It remembers the login for what is below.
    expect((await page.goto(at('/private/none')))?.status()).to.equal(404)
    expect(statusesOf('/private/a.txt').at(-1)).to.equal(200)

    expect((await page.goto(at('/nothing')))?.status()).to.equal(404)
    expect(await page.title()).to.equal('Not here')

    await page.goto(at('/downloads/'))
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('td.name a').click()])
    expect(download.suggestedFilename()).to.match(/^ü .1.\.txt$/)
    expect(readFileSync(await download.path(), 'utf8')).to.equal('stored')

    await page.goto(at('/page.html'))
    await page.goto(at('/page.html'))
    await eventually(() => expect(statusesOf('/page.html')).to.deep.equal([200, 304]))
    expect(statusesOf('/assets/style.css')).to.deep.equal([200])
  })
})
