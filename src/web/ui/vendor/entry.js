// SPDX-License-Identifier: Apache-2.0
// What the pages take from others, and nothing else: `make vendor` bundles it into vendor.js.
export { h, render, Fragment, createRef } from "preact";
export { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback, useReducer } from "preact/hooks";
export { default as htm } from "htm";
export { default as uPlot } from "uplot";
export { diffWordsWithSpace, diffLines, diffChars } from "diff";
