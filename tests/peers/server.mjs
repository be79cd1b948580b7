// An MLLP receiver made of node-hl7-server, which answers as the message's MSH-10 asks: AE-… and AR-…
// refuse, all else is accepted. Prints "listening PORT", and each message as "MSH-10 LENGTH".
//
//     server.mjs PORT [CERTIFICATE KEY [CLIENT_CA]]
import fs from 'node:fs'
import { Server } from 'node-hl7-server'

const [port, cert, key, ca] = process.argv.slice(2)
const read = (file) => fs.readFileSync(file)
const tls = cert && { cert: read(cert), key: read(key), ...(ca && { ca: read(ca), requestCert: true }) }
const server = new Server({ bindAddress: '127.0.0.1', ...(tls && { tls }) })
const inbound = server.createInbound({ port: Number(port), encoding: 'utf-8' }, async (request, response) => {
  const message = request.getMessage()
  const id = message.get('MSH.10').toString()
  console.log(id, message.toString().length)
  const kind = id.split('-')[0]
  await response.sendResponse(kind === 'AE' || kind === 'AR' ? kind : 'AA')
})
inbound.on('listen', () => console.log('listening', port))
inbound.on('data.error', (error) => console.log('error', error.message))
