// The TypeScript SDK's client: lists the tools, calls a workflow, and says on one line what it has seen.
// node sdk_client.mjs MODE COMMAND ARGUMENT...     MODE: legacy (the handshake era) or auto (the newest both know)

import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const [mode, command, ...args] = process.argv.slice(2)
const client = new Client({ name: 'conformance', version: '1' }, { versionNegotiation: { mode } })
await client.connect(new StdioClientTransport({ command, args, cwd: process.cwd(), env: process.env }))
const { tools } = await client.listTools()
const progress = []
const call = { name: 'build_feature', arguments: { task: `Add slugs (${mode})`, isolation: 'in_place' } }
const result = await client.callTool(call, { onprogress: (line) => progress.push(line.progress) })
console.log(
  JSON.stringify({
    protocol: client.getNegotiatedProtocolVersion(),
    tools: tools.map((tool) => tool.name),
    progress,
    status: result.structuredContent.status
  })
)
await client.close()
