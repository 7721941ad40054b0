// Package engine drives an operator over columns: the calls of the contract, over one record or value at a time. The
// same code runs on Wasm and in tests.
package engine

// Columns are n rows in one byte area; wit/types.wit says what the parts mean.
type Columns struct {
	Data       []byte
	Offsets    []uint32
	Timestamps []int64
	Nulls      []byte
	Headers    *HeaderColumns
}

// HeaderColumns are the headers of n rows.
type HeaderColumns struct {
	Ends       []uint32
	Data       []byte
	Offsets    []uint32
	NullValues []byte
}

// Origin is where rows were read.
type Origin struct {
	Topic     string
	Partition uint32
	Offsets   []int64
}

// BytesColumn are n byte strings.
type BytesColumn struct {
	Data    []byte
	Offsets []uint32
	Nulls   []byte
}

// BadRow is a refused row.
type BadRow struct {
	Row    uint32
	Reason string
}

// Transformed is the answer of a transform.
type Transformed struct {
	Rows   Columns
	Source []uint32
	Bad    []BadRow
}

// Groups are keys with their accumulators and their new values.
type Groups struct {
	Keys         BytesColumn
	Accumulators BytesColumn
	Ends         []uint32
	Values       BytesColumn
	Timestamps   []int64
}

// Reduced is the answer of a reduce.
type Reduced struct {
	Accumulators BytesColumn
	Bad          []BadRow
}

// Processed is the answer of a process.
type Processed struct {
	Accumulators BytesColumn
	Rows         Columns
	Source       []uint32
	Bad          []BadRow
}

func bit(bits []byte, i int) bool {
	return i/8 < len(bits) && bits[i/8]>>(i%8)&1 == 1
}

func setBit(bits *[]byte, i int) {
	for len(*bits) <= i/8 {
		*bits = append(*bits, 0)
	}
	(*bits)[i/8] |= 1 << (i % 8)
}

// cutBits forgets all bits from n on.
func cutBits(bits *[]byte, n int) {
	if size := (n + 7) / 8; len(*bits) >= size {
		*bits = (*bits)[:size]
		if n%8 != 0 {
			(*bits)[size-1] &= 1<<(n%8) - 1
		}
	}
}

// padBits gives the bits of n cells the length that the contract asks for: none when no bit is set.
func padBits(bits []byte, n int) []byte {
	for _, byte := range bits {
		if byte != 0 {
			for len(bits) < (n+7)/8 {
				bits = append(bits, 0)
			}
			return bits
		}
	}
	return nil
}

func cell(data []byte, offsets []uint32, i int) []byte {
	return data[offsets[i]:offsets[i+1]:offsets[i+1]]
}

// At is string i, nil for a null.
func (c *BytesColumn) At(i int) []byte {
	if bit(c.Nulls, i) {
		return nil
	}
	return cell(c.Data, c.Offsets, i)
}

// Len is the number of strings.
func (c *BytesColumn) Len() int { return len(c.Offsets) - 1 }

// NewColumn is an empty column with room.
func NewColumn(strings, bytes int) BytesColumn {
	return BytesColumn{Data: make([]byte, 0, bytes), Offsets: append(make([]uint32, 0, strings+1), 0)}
}

// EndString ends the string that was appended to Data.
func (c *BytesColumn) EndString() { c.Offsets = append(c.Offsets, uint32(len(c.Data))) }

// PushNull appends a null.
func (c *BytesColumn) PushNull() {
	setBit(&c.Nulls, c.Len())
	c.EndString()
}

func (c *BytesColumn) finish() BytesColumn {
	c.Nulls = padBits(c.Nulls, c.Len())
	return *c
}
