import { defineConfig } from 'vite'
import { compileMessages } from './build/messages.js'
import { compressed } from './build/compressed.js'
import { phoneMetadata } from './build/phone-metadata.js'

export default defineConfig({
  logLevel: 'warn',
  // A tool of ours brings an older React to the root of the checkout; one page can only have one.
  resolve: { dedupe: ['react', 'react-dom'] },
  build: {
    outDir: 'dist/site',
    target: 'es2022',
    // A strict policy lets no data: address through.
    assetsInlineLimit: 0,
    manifest: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // What the first page needs is one file: it weighs less than its parts, and comes at once.
      output: { codeSplitting: { groups: [{ name: 'entry', tags: ['$initial'] }] } },
      // `use client` of libraries means nothing in a page.
      checks: { moduleLevelDirective: false, pluginTimings: false },
    },
  },
  plugins: [compileMessages(), phoneMetadata(), compressed()],
})
