/**
 * Attacks on a family with the limits of `config/default.yaml`, at full length. Other clients, from another address, are served all
 * the while; how long they take is measured right before and under the attack, and printed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { describeWith } from '../kit/programs.ts'
import { flood, median, visits } from './bystanders.ts'

/** An attack under way. */
interface Attack {
  end(): Promise<Record<string, number>>
}

/** The machine has other work: what counts is that one of a few tries shows it. The aim is 2. */
const generousRatio = 8
const tries = 4
const visitsEach = 60

/** Serves others before and under an attack. @returns what the attack did */
const whileAttacked = async (name: string, visit: () => Promise<void>, begin: () => Promise<Attack>) => {
  const calm = await median(visit, visitsEach)
  const attack = await begin()
  const ratios: number[] = []
  let done: Record<string, number> = {}
  try {
    for (let n = 0; n < tries; n++) {
      const attacked = await median(visit, visitsEach)
      ratios.push(attacked / calm)
      console.log(
        `      ${name}: ${calm.toFixed(2)} ms before, ${attacked.toFixed(2)} ms under attack: × ${(attacked / calm).toFixed(2)}`,
      )
      if (attacked / calm < 2) break
    }
  } finally {
    done = await attack.end()
  }
  console.log(`      ${JSON.stringify(done)}`)
  expect(Math.min(...ratios)).to.be.below(generousRatio)
  return done
}

const serviceOf = async (family: Family, name: string) => {
  const service = (await family.status()).services.find((each) => each.name === name)
  if (service === undefined) throw new Error(`no ${name}`)
  return service
}

/** A program that attacks by itself until it is ended. */
const program = (name: string, args: readonly string[]): Promise<Attack> => {
  const child = spawn(name, [...args], { stdio: 'ignore' })
  const end = async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    return {}
  }
  return new Promise((resolve) => setTimeout(() => resolve({ end }), 3_000))
}

describe('under attack', function () {
  this.timeout(900_000)
  // It measures: what other work of the machine has disturbed is measured again.
  this.retries(2)

  it('by connecting and closing as fast as it can, others are served', async () => {
    await using family = await startFamily({ services: ['pop3'] })
    const port = family.port('pop3')
    const done = await whileAttacked(
      'connect-and-close',
      () => visits.pop3(port),
      () => flood('connect-and-close', port, '127.0.0.3'),
    )
    expect(done['connected']).to.be.greaterThan(100)
    expect((await serviceOf(family, 'pop3')).restarts).to.equal(0)
  })

  it('by connecting and closing far over a limit, others are served, and each one is counted', async () => {
    await using family = await startFamily({ services: ['http'], args: ['--set', 'limits.connectionsPerSecond=50'] })
    const port = family.port('http')
    // Others come slower than that.
    const visit = async () => {
      await visits.http(port)
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    await whileAttacked('over connectionsPerSecond', visit, () => flood('connect-and-close', port, '127.0.0.3'))
    // What is summed is told a second later, and the counter of the child comes as late.
    const { refused, restarts, told, sums } = await eventually(async () => {
      const service = await serviceOf(family, 'http')
      const records = (await family.records('http')).filter(({ limit }) => limit === 'connectionsPerSecond')
      const ones = records.filter(({ event }) => event === 'connection.refused').length
      const summed = records.filter(({ event }) => event === 'connections.refused')
      const all = summed.reduce((sum, { count }) => sum + Number(count), ones)
      expect(all, 'in the journal').to.equal(service.refused['connectionsPerSecond'])
      return { ...service, told: ones, sums: summed }
    })
    console.log(`      refused ${JSON.stringify(refused)}, in ${told + sums.length} records`)
    expect(restarts).to.equal(0)
    expect(refused['connectionsPerSecond']).to.be.greaterThan(100)
    expect(told + sums.length).to.be.lessThan(200)
  })

  it('by 2,000 idle connections of one address, others are served, and it has as many as it may', async () => {
    await using family = await startFamily({ services: ['pop3'] })
    const port = family.port('pop3')
    await whileAttacked(
      '2,000 idle, one address',
      () => visits.pop3(port),
      async () => {
        const attack = await flood('idle', port, '127.0.0.3')
        for (let sum = 0; sum < 1_900; ) sum = Number((await serviceOf(family, 'pop3')).refused['connectionsPerAddress'] ?? 0)
        return attack
      },
    )
    expect((await serviceOf(family, 'pop3')).refused['connectionsPerAddress']).to.equal(1_900)
  })

  it('by 2,000 idle connections that are let in, others are served', async () => {
    const args = ['connections=3000', 'connectionsPerAddress=3000'].flatMap((limit) => ['--set', `limits.${limit}`])
    await using family = await startFamily({ services: ['http'], args })
    const port = family.port('http')
    await whileAttacked(
      '2,000 idle, let in',
      () => visits.http(port),
      async () => {
        const attack = await flood('idle', port, '127.0.0.3')
        while ((await serviceOf(family, 'http')).connections < 2_000) await new Promise((resolve) => setTimeout(resolve, 100))
        return attack
      },
    )
  })

  it('by 10,000 passwords of one address, others are served and log in, and it is blocked after twenty', async () => {
    await using family = await startFamily({ services: ['pop3'], demo: true })
    const port = family.port('pop3')
    const blocked = async () => Number((await serviceOf(family, 'pop3')).refused['blockAfter'] ?? 0)
    const done = await whileAttacked(
      '10,000 passwords',
      () => visits.login(port),
      async () => {
        const attack = await flood('passwords', port, '127.0.0.3')
        while ((await blocked()) < 100) await new Promise((resolve) => setTimeout(resolve, 50))
        return attack
      },
    )
    const { refused } = await serviceOf(family, 'pop3')
    expect(done['blocked']).to.be.greaterThan(20)
    expect(done['refused'] ?? 0).to.be.at.most(40)
    expect(refused['blockAfter']).to.be.at.least(Number(done['blocked']))
    expect((await family.records('supervisor')).filter(({ event }) => event === 'login.blocked')).to.have.length(1)
  })
})

describeWith(['slowhttptest'], 'under attack by slowhttptest', function () {
  this.timeout(900_000)
  // It measures: what other work of the machine has disturbed is measured again.
  this.retries(2)

  const attacks = {
    'slow headers': ['-H', '-i', '5'],
    'slow bodies': ['-B', '-i', '5', '-s', '8192'],
    'slow reading': ['-X', '-k', '3', '-w', '10', '-y', '20', '-n', '5', '-z', '32'],
  }
  for (const [name, kind] of Object.entries(attacks)) {
    it(`${name}, 1,000 connections of one address: others are served`, async () => {
      await using family = await startFamily({ services: ['http'], demo: true })
      const port = family.port('http')
      const args = [...kind, '-c', '1000', '-r', '500', '-l', '60', '-u', `http://127.0.0.1:${port}/`]
      await whileAttacked(
        name,
        () => visits.http(port),
        () => program('slowhttptest', args),
      )
      const { restarts, refused } = await serviceOf(family, 'http')
      console.log(`      ${JSON.stringify(refused)}`)
      expect(restarts).to.equal(0)
      // Bodies are not waited for: what has no use for one is answered at once.
      if (name !== 'slow bodies') expect(refused['connectionsPerAddress']).to.be.greaterThan(100)
    })
  }
})
