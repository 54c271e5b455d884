import { defineConfig } from 'vite'

// The phone in the box, built apart: it shares no file with the hosted pages, so that production has none of it to serve.
export default defineConfig({
  logLevel: 'warn',
  base: '/dev/',
  resolve: { dedupe: ['react', 'react-dom'] },
  build: {
    outDir: 'dist/site/dev',
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: 'inbox.html',
      checks: { moduleLevelDirective: false, pluginTimings: false },
    },
  },
})
