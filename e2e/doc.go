// Package e2e holds tests that look at the running programs from outside: a
// real refserver process, killed and started again, and the pages a person
// meets in a real browser. It has no code of its own.
//
// The pages are opened in a headless Chromium, where there is one: CHROMIUM
// names it, or chromium, chromium-browser or google-chrome is in the PATH.
// Screenshots go to the folder that ACME_ARTIFACTS names, or are thrown away.
//
// ACME_KILLS says how often the kill test kills (20), ACME_SEED from what it
// draws its moments and which real loans are scored. These are in
// ACME_SHARED/data/berka, or ../shared/data/berka beside the module.
package e2e
