"""Why a statement holds, and what contradicts what."""
