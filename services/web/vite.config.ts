import { defineConfig, type UserConfig } from 'vite'
import { compileMessages } from './build/messages.js'
import { compressed } from './build/compressed.js'
import { phoneMetadata } from './build/phone-metadata.js'

const both = {
  target: 'es2022',
  // A strict policy lets no data: address through.
  assetsInlineLimit: 0,
  modulePreload: { polyfill: false },
  reportCompressedSize: false,
} satisfies UserConfig['build']

// `use client` of libraries means nothing in a page.
const checks = { moduleLevelDirective: false, pluginTimings: false }

const pages: UserConfig = {
  build: {
    ...both,
    outDir: 'dist/site',
    manifest: true,
    // What the first page needs is one file: it weighs less than its parts, and comes at once.
    rolldownOptions: { checks, output: { codeSplitting: { groups: [{ name: 'entry', tags: ['$initial'] }] } } },
  },
  plugins: [compileMessages(), phoneMetadata(), compressed()],
}

/** The phone in the box, built apart: it shares no file with the pages, so that production has none of it to serve. */
const inbox: UserConfig = {
  base: '/dev/',
  build: { ...both, outDir: 'dist/site/dev', rolldownOptions: { checks, input: 'inbox.html' } },
}

export default defineConfig(({ mode }) => ({
  logLevel: 'warn',
  // A tool of ours brings an older React to the root of the checkout; one page can only have one.
  resolve: { dedupe: ['react', 'react-dom'] },
  ...(mode === 'inbox' ? inbox : pages),
}))
