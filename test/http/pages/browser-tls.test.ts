import { expect } from 'chai'
import { browserPrograms, startBrowser } from '../../kit/browser.ts'
import { testKeys } from '../../kit/keys.ts'
import { describeWith } from '../../kit/programs.ts'
import { serveSite } from '../site.ts'

describeWith(browserPrograms, 'Chromium, encrypted', function () {
  this.timeout(120_000)

  it('trusts the local authority once it has its certificate, and speaks the best protocol that is offered', async () => {
    await using site = await serveSite(
      {
        'www/a.txt': 'a',
        'www/page.html': '<title>encrypted</title><link rel="stylesheet" href="style.css">',
        'www/style.css': 'p{}',
      },
      { tls: 'implicit' },
    )
    const best = site.server.alpn?.includes('h2') ? 'h2' : 'http/1.1'
    await using browser = await startBrowser({ authority: (await testKeys()).authority })
    const page = await browser.context.newPage()
    for (const path of ['/', '/page.html', '/none']) {
      const answer = await page.goto(`https://localhost:${site.port}${path}`)
      expect(answer?.status()).to.equal(path === '/none' ? 404 : 200)
      expect(await answer?.securityDetails()).to.include({ protocol: 'TLS 1.3' })
      expect(await page.evaluate('performance.getEntriesByType("navigation")[0].nextHopProtocol')).to.equal(best)
    }
    await page.goto(`https://localhost:${site.port}/page.html`)
    expect(await page.title()).to.equal('encrypted')
    expect(await page.evaluate('isSecureContext')).to.equal(true)
  })

  it('trusts nobody else: without the certificate it goes no further', async () => {
    await using site = await serveSite({ 'www/a.txt': 'a' }, { tls: 'implicit' })
    await using browser = await startBrowser()
    const page = await browser.context.newPage()
    const error = await page.goto(`https://localhost:${site.port}/`).then(
      () => null,
      (reason: unknown) => String(reason),
    )
    expect(error).to.contain('ERR_CERT_AUTHORITY_INVALID')
    expect(site.journal.of('request.finished')).to.have.length(0)
  })
})
